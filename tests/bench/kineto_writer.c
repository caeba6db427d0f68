/* Writes a trace such as PyTorch's profiler does to standard output, of about so many bytes:
 * steps of operators that nest, the calls that launch kernels, the kernels on two streams with
 * names as long as real ones, flows between them.
 *   kineto_writer BYTES
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPS = 40, LAYERS = 48 };

struct writer {
    uint64_t written, correlation, events;
    double at_us, kernel_end_us[2];
};

static const char *const operators[] = {"aten::linear",     "aten::addmm",
                                        "aten::layer_norm", "aten::gelu",
                                        "aten::transpose",  "aten::scaled_dot_product_attention"};

static void add(struct writer *w, int written) {
    w->written += written > 0 ? (uint64_t)written : 0;
    w->events++;
}

static void write_operator(struct writer *w, const char *name, double start_us, double length_us,
                           int layer) {
    add(w,
        printf("  {\n    \"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"%s\", \"pid\": 1102, "
               "\"tid\": 1102,\n"
               "    \"ts\": %.3f, \"dur\": %.3f,\n    \"args\": {\n"
               "      \"External id\": %" PRIu64
               ",\"Record function id\": 0, \"Sequence number\": %" PRIu64
               ", \"Fwd thread id\": 0, \"Input Dims\": [[8, %d, 1024], [1024, 1024], []], "
               "\"Input type\": [\"float\", \"float\", \"Scalar\"], \"Ev Idx\": %" PRIu64
               "\n    }\n  },\n",
               name, start_us, length_us, w->events, w->events, 64 * (1 + layer % 8), w->events));
}

static void write_launch(struct writer *w, double start_us) {
    add(w,
        printf("  {\n    \"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", "
               "\"pid\": 1102, \"tid\": 1102,\n"
               "    \"ts\": %.3f, \"dur\": 4.212,\n    \"args\": {\n      \"External id\": %" PRIu64
               ", \"cbid\": 211, \"correlation\": %" PRIu64 "\n    }\n  },\n",
               start_us, w->events, w->correlation));
    add(w, printf("  {\n    \"ph\": \"s\", \"id\": %" PRIu64
                  ", \"pid\": 1102, \"tid\": 1102, \"ts\": %.3f,\n"
                  "    \"cat\": \"ac2g\", \"name\": \"ac2g\"\n  },\n",
                  w->correlation, start_us));
}

static void write_kernel(struct writer *w, int stream, int kind, double ready_us) {
    double start_us =
        ready_us > w->kernel_end_us[stream] ? ready_us : w->kernel_end_us[stream] + 0.8;
    double length_us = 3.5 + 1.25 * kind;
    w->kernel_end_us[stream] = start_us + length_us;
    add(w,
        printf("  {\n    \"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"void "
               "at::native::vectorized_elementwise_kernel"
               "<4, at::native::(anonymous namespace)::op_%d<float, float, float>, "
               "at::detail::Array<char*, 3> >"
               "(int, at::native::(anonymous namespace)::op_%d<float, float, float>, "
               "at::detail::Array<char*, 3>)\", "
               "\"pid\": 0, \"tid\": %d,\n    \"ts\": %.3f, \"dur\": %.3f,\n    \"args\": {\n"
               "      \"External id\": %" PRIu64
               ", \"queued\": 0, \"device\": 0, \"context\": 1, \"stream\": %d, "
               "\"correlation\": %" PRIu64 ", \"registers per thread\": 20, \"shared memory\": 0, "
               "\"blocks per SM\": 12.8, \"warps per SM\": 51.2, \"grid\": [1024, 1, 1], "
               "\"block\": [128, 1, 1], "
               "\"est. achieved occupancy %%\": 80\n    }\n  },\n",
               kind, kind, 7 + 13 * stream, start_us, length_us, w->events, 7 + 13 * stream,
               w->correlation));
}

static void write_layer(struct writer *w, int layer) {
    for (int op = 0; op < OPS; op++) {
        double start_us = w->at_us;
        write_operator(w, operators[op % 6], start_us, 21.5, layer);
        write_operator(w, operators[(op + 1) % 6], start_us + 2.125, 17.25, layer);
        w->correlation++;
        write_launch(w, start_us + 5.5);
        write_kernel(w, op % 10 == 9, op, start_us + 12.375);
        w->at_us += 24.001;
    }
}

int main(int argc, char **argv) {
    uint64_t bytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 1 << 20;
    struct writer w = {.at_us = 1712195495505583.0};
    printf("{\n  \"schemaVersion\": 1,\n  \"deviceProperties\": [{\"id\": 0, \"name\": \"NVIDIA "
           "A100-SXM4-40GB\"}],\n"
           "  \"traceEvents\": [\n");
    for (int layer = 0; w.written < bytes; layer++)
        write_layer(&w, layer % LAYERS);
    printf("  {\"name\": \"process_name\", \"ph\": \"M\", \"ts\": 0, \"pid\": 1102, \"tid\": 0, "
           "\"args\": {\"name\": \"python\"}}\n"
           "  ],\n  \"traceName\": \"trace.json\"\n}\n");
    return 0;
}
