/* Field numbers of the ONNX messages. Source: onnx/onnx.proto and onnx/onnx-ml.proto of ONNX 1.18
 * (IR version 11). Only what is read or written here. */
#ifndef ASSAY_MODELS_ONNX_FIELDS_H
#define ASSAY_MODELS_ONNX_FIELDS_H

enum { /* ModelProto */
       ONNX_MODEL_IR_VERSION = 1,
       ONNX_MODEL_PRODUCER_NAME = 2,
       ONNX_MODEL_PRODUCER_VERSION = 3,
       ONNX_MODEL_GRAPH = 7,
       ONNX_MODEL_OPSET_IMPORT = 8,
       ONNX_MODEL_METADATA_PROPS = 14,
       ONNX_MODEL_FUNCTIONS = 25,
};

enum { /* OperatorSetIdProto */
       ONNX_OPSET_DOMAIN = 1,
       ONNX_OPSET_VERSION = 2,
};

enum { /* StringStringEntryProto */
       ONNX_ENTRY_KEY = 1,
       ONNX_ENTRY_VALUE = 2,
};

enum { /* FunctionProto */
       ONNX_FUNCTION_NAME = 1,
       ONNX_FUNCTION_INPUT = 4,
       ONNX_FUNCTION_OUTPUT = 5,
       ONNX_FUNCTION_NODE = 7,
       ONNX_FUNCTION_OPSET_IMPORT = 9,
       ONNX_FUNCTION_DOMAIN = 10,
       ONNX_FUNCTION_ATTRIBUTE_PROTO = 11,
       ONNX_FUNCTION_OVERLOAD = 13,
};

enum { /* GraphProto */
       ONNX_GRAPH_NODE = 1,
       ONNX_GRAPH_NAME = 2,
       ONNX_GRAPH_INITIALIZER = 5,
       ONNX_GRAPH_INPUT = 11,
       ONNX_GRAPH_OUTPUT = 12,
       ONNX_GRAPH_VALUE_INFO = 13,
       ONNX_GRAPH_SPARSE_INITIALIZER = 15,
};

enum { /* NodeProto */
       ONNX_NODE_INPUT = 1,
       ONNX_NODE_OUTPUT = 2,
       ONNX_NODE_NAME = 3,
       ONNX_NODE_OP_TYPE = 4,
       ONNX_NODE_ATTRIBUTE = 5,
       ONNX_NODE_DOMAIN = 7,
       ONNX_NODE_OVERLOAD = 8,
};

enum { /* AttributeProto */
       ONNX_ATTR_NAME = 1,
       ONNX_ATTR_F = 2,
       ONNX_ATTR_I = 3,
       ONNX_ATTR_S = 4,
       ONNX_ATTR_T = 5,
       ONNX_ATTR_G = 6,
       ONNX_ATTR_FLOATS = 7,
       ONNX_ATTR_INTS = 8,
       ONNX_ATTR_STRINGS = 9,
       ONNX_ATTR_TENSORS = 10,
       ONNX_ATTR_GRAPHS = 11,
       ONNX_ATTR_TP = 14,
       ONNX_ATTR_TYPE_PROTOS = 15,
       ONNX_ATTR_TYPE = 20,
       ONNX_ATTR_REF_ATTR_NAME = 21,
       ONNX_ATTR_SPARSE_TENSOR = 22,
       ONNX_ATTR_SPARSE_TENSORS = 23,
};

enum { /* AttributeProto.AttributeType */
       ONNX_ATTR_TYPE_UNDEFINED = 0,
       ONNX_ATTR_TYPE_FLOAT = 1,
       ONNX_ATTR_TYPE_INT = 2,
       ONNX_ATTR_TYPE_STRING = 3,
       ONNX_ATTR_TYPE_TENSOR = 4,
       ONNX_ATTR_TYPE_GRAPH = 5,
       ONNX_ATTR_TYPE_FLOATS = 6,
       ONNX_ATTR_TYPE_INTS = 7,
       ONNX_ATTR_TYPE_STRINGS = 8,
       ONNX_ATTR_TYPE_TENSORS = 9,
       ONNX_ATTR_TYPE_GRAPHS = 10,
       ONNX_ATTR_TYPE_SPARSE_TENSOR = 11,
       ONNX_ATTR_TYPE_SPARSE_TENSORS = 12,
       ONNX_ATTR_TYPE_TYPE_PROTO = 13,
       ONNX_ATTR_TYPE_TYPE_PROTOS = 14,
};

enum { /* ValueInfoProto */
       ONNX_VALUE_NAME = 1,
       ONNX_VALUE_TYPE = 2,
};

enum { /* TypeProto; a sparse tensor type is laid out as a tensor type */
       ONNX_TYPE_TENSOR = 1,
       ONNX_TYPE_SPARSE_TENSOR = 8,
       ONNX_TYPE_TENSOR_ELEM_TYPE = 1,
       ONNX_TYPE_TENSOR_SHAPE = 2,
       ONNX_SHAPE_DIM = 1,
       ONNX_DIM_VALUE = 1,
       ONNX_DIM_PARAM = 2,
};

enum { /* TensorProto */
       ONNX_TENSOR_DIMS = 1,
       ONNX_TENSOR_DATA_TYPE = 2,
       ONNX_TENSOR_SEGMENT = 3,
       ONNX_TENSOR_FLOAT_DATA = 4,
       ONNX_TENSOR_INT32_DATA = 5,
       ONNX_TENSOR_STRING_DATA = 6,
       ONNX_TENSOR_INT64_DATA = 7,
       ONNX_TENSOR_NAME = 8,
       ONNX_TENSOR_RAW_DATA = 9,
       ONNX_TENSOR_DOUBLE_DATA = 10,
       ONNX_TENSOR_UINT64_DATA = 11,
       ONNX_TENSOR_EXTERNAL_DATA = 13,
       ONNX_TENSOR_DATA_LOCATION = 14,
       ONNX_TENSOR_LOCATION_EXTERNAL = 1,
};

enum { /* SparseTensorProto */
       ONNX_SPARSE_VALUES = 1,
       ONNX_SPARSE_INDICES = 2,
       ONNX_SPARSE_DIMS = 3,
};

#endif
