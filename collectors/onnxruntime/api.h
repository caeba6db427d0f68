/* The ONNX Runtime C API, bound by index.
 *
 * OrtApi is a table of function pointers whose order never changes between releases: functions are
 * only appended (onnxruntime_c_api.h, "OrtApi" and the note on versions in OrtApiBase::GetApi). So
 * the few functions that we call are declared here by their place in it, and no header of the
 * runtime is needed to build. A function newer than the library stays NULL.
 *
 * Every call that can fail returns a status: NULL is success; api_check() turns another one into
 * an error and releases it.
 */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_API_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_API_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    API_VERSION_NEWEST = 29, /* that this table was checked against */
    API_VERSION_OLDEST = 16,
    API_VERSION_LOG = 17,     /* messages of a session to a function of ours */
    API_VERSION_GRAPH = 23,   /* graph inspection by plug-ins: lowering */
    API_VERSION_PROFILER = 25 /* plug-in profilers: the hook */
};

/* Opaque objects of the runtime. */
struct ort_allocator;
struct ort_env;
struct ort_ep_api;
struct ort_ep_device;
struct ort_external_info;
struct ort_graph;
struct ort_memory_info;
struct ort_node;
struct ort_op_attr;
struct ort_options;
struct ort_run_options;
struct ort_session;
struct ort_status;
struct ort_tensor_info;
struct ort_type_info;
struct ort_value;
struct ort_value_info;

enum ort_logging { ORT_LOG_INFO = 1, ORT_LOG_ERROR = 3, ORT_LOG_FATAL = 4 };
enum ort_level { ORT_LEVEL_NONE = 0, ORT_LEVEL_ALL = 99 };
enum ort_allocator_type { ORT_ALLOCATOR_DEVICE = 0, ORT_ALLOCATOR_ARENA = 1 };
enum ort_type { ORT_TYPE_TENSOR = 1, ORT_TYPE_OPTIONAL = 6 };
enum ort_attribute {
    ORT_ATTRIBUTE_UNDEFINED,
    ORT_ATTRIBUTE_INT,
    ORT_ATTRIBUTE_INTS,
    ORT_ATTRIBUTE_FLOAT,
    ORT_ATTRIBUTE_FLOATS,
    ORT_ATTRIBUTE_STRING,
    ORT_ATTRIBUTE_STRINGS,
    ORT_ATTRIBUTE_GRAPH,
    ORT_ATTRIBUTE_TENSOR,
};

typedef void (*ort_log_function)(void *context, int severity, const char *category, const char *id,
                                 const char *location, const char *message);

/* X(name, index, API version it came with, result, arguments) */
#define API_FUNCTIONS(X)                                                                           \
    X(CreateStatus, 0, 1, struct ort_status *, (int code, const char *message))                    \
    X(GetErrorMessage, 2, 1, const char *, (const struct ort_status *))                            \
    X(CreateEnv, 3, 1, struct ort_status *, (int logging, const char *id, struct ort_env **))      \
    X(CreateSession, 7, 1, struct ort_status *,                                                    \
      (const struct ort_env *, const char *path, const struct ort_options *,                       \
       struct ort_session **))                                                                     \
    X(CreateSessionFromArray, 8, 1, struct ort_status *,                                           \
      (const struct ort_env *, const void *model, size_t bytes, const struct ort_options *,        \
       struct ort_session **))                                                                     \
    X(Run, 9, 1, struct ort_status *,                                                              \
      (struct ort_session *, const struct ort_run_options *, const char *const *input_names,       \
       const struct ort_value *const *inputs, size_t input_count, const char *const *output_names, \
       size_t output_count, struct ort_value **outputs))                                           \
    X(CreateSessionOptions, 10, 1, struct ort_status *, (struct ort_options **))                   \
    X(SetOptimizedModelFilePath, 11, 1, struct ort_status *,                                       \
      (struct ort_options *, const char *path))                                                    \
    X(EnableProfiling, 14, 1, struct ort_status *, (struct ort_options *, const char *prefix))     \
    X(SetSessionLogSeverityLevel, 22, 1, struct ort_status *, (struct ort_options *, int level))   \
    X(SetSessionGraphOptimizationLevel, 23, 1, struct ort_status *,                                \
      (struct ort_options *, int level))                                                           \
    X(SetIntraOpNumThreads, 24, 1, struct ort_status *, (struct ort_options *, int threads))       \
    X(SetInterOpNumThreads, 25, 1, struct ort_status *, (struct ort_options *, int threads))       \
    X(SessionGetInputCount, 30, 1, struct ort_status *, (const struct ort_session *, size_t *))    \
    X(SessionGetOutputCount, 31, 1, struct ort_status *, (const struct ort_session *, size_t *))   \
    X(SessionGetInputTypeInfo, 33, 1, struct ort_status *,                                         \
      (const struct ort_session *, size_t, struct ort_type_info **))                               \
    X(SessionGetInputName, 36, 1, struct ort_status *,                                             \
      (const struct ort_session *, size_t, struct ort_allocator *, char **))                       \
    X(SessionGetOutputName, 37, 1, struct ort_status *,                                            \
      (const struct ort_session *, size_t, struct ort_allocator *, char **))                       \
    X(CreateRunOptions, 39, 1, struct ort_status *, (struct ort_run_options **))                   \
    X(RunOptionsSetRunLogSeverityLevel, 41, 1, struct ort_status *,                                \
      (struct ort_run_options *, int level))                                                       \
    X(CreateTensorAsOrtValue, 48, 1, struct ort_status *,                                          \
      (struct ort_allocator *, const int64_t *shape, size_t rank, int dtype, struct ort_value **)) \
    X(GetTensorMutableData, 51, 1, struct ort_status *, (struct ort_value *, void **))             \
    X(FillStringTensor, 52, 1, struct ort_status *,                                                \
      (struct ort_value *, const char *const *texts, size_t count))                                \
    X(CastTypeInfoToTensorInfo, 55, 1, struct ort_status *,                                        \
      (const struct ort_type_info *, const struct ort_tensor_info **))                             \
    X(GetOnnxTypeFromTypeInfo, 56, 1, struct ort_status *, (const struct ort_type_info *, int *))  \
    X(GetTensorElementType, 60, 1, struct ort_status *, (const struct ort_tensor_info *, int *))   \
    X(GetDimensionsCount, 61, 1, struct ort_status *, (const struct ort_tensor_info *, size_t *))  \
    X(GetDimensions, 62, 1, struct ort_status *,                                                   \
      (const struct ort_tensor_info *, int64_t *, size_t))                                         \
    X(GetSymbolicDimensions, 63, 1, struct ort_status *,                                           \
      (const struct ort_tensor_info *, const char **, size_t))                                     \
    X(GetTensorTypeAndShape, 65, 1, struct ort_status *,                                           \
      (const struct ort_value *, struct ort_tensor_info **))                                       \
    X(CreateCpuMemoryInfo, 69, 1, struct ort_status *,                                             \
      (int allocator, int memory, struct ort_memory_info **))                                      \
    X(AllocatorFree, 76, 1, struct ort_status *, (struct ort_allocator *, void *))                 \
    X(GetAllocatorWithDefaultOptions, 78, 1, struct ort_status *, (struct ort_allocator **))       \
    X(ReleaseStatus, 93, 1, void, (struct ort_status *))                                           \
    X(ReleaseSession, 95, 1, void, (struct ort_session *))                                         \
    X(ReleaseValue, 96, 1, void, (struct ort_value *))                                             \
    X(ReleaseRunOptions, 97, 1, void, (struct ort_run_options *))                                  \
    X(ReleaseTypeInfo, 98, 1, void, (struct ort_type_info *))                                      \
    X(ReleaseTensorTypeAndShapeInfo, 99, 1, void, (struct ort_tensor_info *))                      \
    X(ReleaseSessionOptions, 100, 1, void, (struct ort_options *))                                 \
    X(SessionEndProfiling, 110, 1, struct ort_status *,                                            \
      (struct ort_session *, struct ort_allocator *, char **path))                                 \
    X(AddFreeDimensionOverrideByName, 124, 4, struct ort_status *,                                 \
      (struct ort_options *, const char *symbol, int64_t size))                                    \
    X(AddSessionConfigEntry, 130, 5, struct ort_status *,                                          \
      (struct ort_options *, const char *key, const char *value))                                  \
    X(CreateAllocator, 131, 5, struct ort_status *,                                                \
      (const struct ort_session *, const struct ort_memory_info *, struct ort_allocator **))       \
    X(RegisterAllocator, 176, 9, struct ort_status *, (struct ort_env *, struct ort_allocator *))  \
    X(SetUserLoggingFunction, 266, 17, struct ort_status *,                                        \
      (struct ort_options *, ort_log_function, void *context))                                     \
    X(ReadOpAttr, 272, 17, struct ort_status *,                                                    \
      (const struct ort_op_attr *, int kind, void *data, size_t length, size_t *needed))           \
    X(GetValueInfoName, 289, 22, struct ort_status *,                                              \
      (const struct ort_value_info *, const char **))                                              \
    X(GetValueInfoTypeInfo, 290, 22, struct ort_status *,                                          \
      (const struct ort_value_info *, const struct ort_type_info **))                              \
    X(RegisterExecutionProviderLibrary, 301, 22, struct ort_status *,                              \
      (struct ort_env *, const char *name, const char *path))                                      \
    X(GetEpDevices, 303, 22, struct ort_status *,                                                  \
      (const struct ort_env *, const struct ort_ep_device *const **, size_t *))                    \
    X(SessionOptionsAppendExecutionProvider_V2, 304, 22, struct ort_status *,                      \
      (struct ort_options *, struct ort_env *, const struct ort_ep_device *const *, size_t count,  \
       const char *const *keys, const char *const *values, size_t key_count))                      \
    X(HardwareDevice_Type, 307, 22, int, (const void *device))                                     \
    X(EpDevice_EpName, 312, 22, const char *, (const struct ort_ep_device *))                      \
    X(GetEpApi, 317, 22, const struct ort_ep_api *, (void))                                        \
    X(ValueInfo_GetInitializerValue, 326, 23, struct ort_status *,                                 \
      (const struct ort_value_info *, const struct ort_value **))                                  \
    X(ValueInfo_GetExternalInitializerInfo, 327, 23, struct ort_status *,                          \
      (const struct ort_value_info *, struct ort_external_info **))                                \
    X(ValueInfo_IsFromOuterScope, 332, 23, struct ort_status *,                                    \
      (const struct ort_value_info *, bool *))                                                     \
    X(Graph_GetName, 333, 23, struct ort_status *, (const struct ort_graph *, const char **))      \
    X(Graph_GetOnnxIRVersion, 335, 23, struct ort_status *, (const struct ort_graph *, int64_t *)) \
    X(Graph_GetNumOperatorSets, 336, 23, struct ort_status *,                                      \
      (const struct ort_graph *, size_t *))                                                        \
    X(Graph_GetOperatorSets, 337, 23, struct ort_status *,                                         \
      (const struct ort_graph *, const char **, int64_t *, size_t))                                \
    X(Graph_GetNumInputs, 338, 23, struct ort_status *, (const struct ort_graph *, size_t *))      \
    X(Graph_GetInputs, 339, 23, struct ort_status *,                                               \
      (const struct ort_graph *, const struct ort_value_info **, size_t))                          \
    X(Graph_GetNumOutputs, 340, 23, struct ort_status *, (const struct ort_graph *, size_t *))     \
    X(Graph_GetOutputs, 341, 23, struct ort_status *,                                              \
      (const struct ort_graph *, const struct ort_value_info **, size_t))                          \
    X(Graph_GetNumInitializers, 342, 23, struct ort_status *,                                      \
      (const struct ort_graph *, size_t *))                                                        \
    X(Graph_GetInitializers, 343, 23, struct ort_status *,                                         \
      (const struct ort_graph *, const struct ort_value_info **, size_t))                          \
    X(Graph_GetNumNodes, 344, 23, struct ort_status *, (const struct ort_graph *, size_t *))       \
    X(Graph_GetNodes, 345, 23, struct ort_status *,                                                \
      (const struct ort_graph *, const struct ort_node **, size_t))                                \
    X(Graph_GetParentNode, 346, 23, struct ort_status *,                                           \
      (const struct ort_graph *, const struct ort_node **))                                        \
    X(Node_GetId, 348, 23, struct ort_status *, (const struct ort_node *, size_t *))               \
    X(Node_GetName, 349, 23, struct ort_status *, (const struct ort_node *, const char **))        \
    X(Node_GetOperatorType, 350, 23, struct ort_status *,                                          \
      (const struct ort_node *, const char **))                                                    \
    X(Node_GetDomain, 351, 23, struct ort_status *, (const struct ort_node *, const char **))      \
    X(Node_GetNumInputs, 353, 23, struct ort_status *, (const struct ort_node *, size_t *))        \
    X(Node_GetInputs, 354, 23, struct ort_status *,                                                \
      (const struct ort_node *, const struct ort_value_info **, size_t))                           \
    X(Node_GetNumOutputs, 355, 23, struct ort_status *, (const struct ort_node *, size_t *))       \
    X(Node_GetOutputs, 356, 23, struct ort_status *,                                               \
      (const struct ort_node *, const struct ort_value_info **, size_t))                           \
    X(Node_GetNumAttributes, 359, 23, struct ort_status *, (const struct ort_node *, size_t *))    \
    X(Node_GetAttributes, 360, 23, struct ort_status *,                                            \
      (const struct ort_node *, const struct ort_op_attr **, size_t))                              \
    X(OpAttr_GetTensorAttributeAsOrtValue, 362, 23, struct ort_status *,                           \
      (const struct ort_op_attr *, struct ort_value **))                                           \
    X(OpAttr_GetType, 363, 23, struct ort_status *, (const struct ort_op_attr *, int *))           \
    X(OpAttr_GetName, 364, 23, struct ort_status *, (const struct ort_op_attr *, const char **))   \
    X(Node_GetNumSubgraphs, 365, 23, struct ort_status *, (const struct ort_node *, size_t *))     \
    X(Node_GetSubgraphs, 366, 23, struct ort_status *,                                             \
      (const struct ort_node *, const struct ort_graph **, size_t, const char **names))            \
    X(ReleaseExternalInitializerInfo, 369, 23, void, (struct ort_external_info *))                 \
    X(GetTensorData, 378, 23, struct ort_status *, (const struct ort_value *, const void **))      \
    X(TensorTypeAndShape_HasShape, 390, 24, bool, (const struct ort_tensor_info *))                \
    X(RunOptionsEnableProfiling, 415, 25, struct ort_status *,                                     \
      (struct ort_run_options *, const char *prefix))

struct api {
#define API_MEMBER(name, index, since, result, arguments) result(*name) arguments;
    API_FUNCTIONS(API_MEMBER)
#undef API_MEMBER
    uint32_t version;           /* of the API that the library gave, at most NEWEST */
    const char *version_string; /* "1.30.0" */
    void *library;              /* of dlopen */
};

/* The library's own entry point: `const struct api_base *OrtGetApiBase(void)`. */
struct api_base {
    const void *(*get_api)(uint32_t version);
    const char *(*get_version_string)(void);
};

/* Fills the table from what the library gives. ERR_ENVIRONMENT when the release is too old. */
int api_bind(struct api *api, const struct api_base *base, struct err *err);
/* dlopen and bind. `path` NULL: the loader's own search for libonnxruntime.so.1. */
int api_load(struct api *api, const char *path, struct err *err);

/* 0 when status is NULL; else sets `code`, "what: message", releases the status. */
int api_check(const struct api *api, struct ort_status *status, enum err_code code,
              const char *what, struct err *err);

#endif
