#include "models/foreign.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct magic {
    struct foreign foreign;
    size_t offset, length;
    const char *bytes;
};

#define EXPORT_HINT "export it to ONNX first"

static const struct magic magics[] = {
    {{"a JPEG picture", NULL},                                                               0, 3,  "\xff\xd8\xff"     },
    {{"a PNG picture", NULL},                                                                0, 8,  "\x89PNG\r\n\x1a\n"},
    {{"a GIF picture", NULL},                                                                0, 4,  "GIF8"             },
    {{"a PDF document", NULL},                                                               0, 5,  "%PDF-"            },
    {{"a zip archive, as torch.save and torch.export (.pt, .pt2) write", EXPORT_HINT},
     0,                                                                                         4,
     "PK\x03\x04"                                                                                                      },
    {{"a gzip archive", "unpack it first"},                                                  0, 2,  "\x1f\x8b"         },
    {{"a GGUF model (llama.cpp)", NULL},                                                     0, 4,  "GGUF"             },
    {{"a TensorFlow Lite model", EXPORT_HINT},                                               4, 4,  "TFL3"             },
    {{"an ExecuTorch program", NULL},                                                        4, 4,  "ET12"             },
    {{"a model in ONNX Runtime's own format (.ort)", "use the .onnx file it was made from"},
     4,                                                                                         4,
     "ORTM"                                                                                                            },
    {{"an HDF5 file, as Keras writes", EXPORT_HINT},                                         0, 8,  "\x89HDF\r\n\x1a\n"},
    {{"a NumPy array", NULL},                                                                0, 6,  "\x93NUMPY"        },
    {{"an ELF program or library", NULL},
     0,                                                                                         4,
     "\x7f"
     "ELF"                                                                                                             },
    {{"a git-lfs pointer, not the file it stands for", "run `git lfs pull`"},
     0,                                                                                         26,
     "version https://git-lfs.gi"                                                                                      },
    {{"an XML document", NULL},                                                              0, 5,  "<?xml"            },
};

static const struct foreign pickle = {"a Python pickle, as old torch.save writes", EXPORT_HINT};
static const struct foreign safetensors = {"a safetensors file: weights without a graph",
                                           "give the .onnx model that uses them"};
static const struct foreign html = {"an HTML page", "was it downloaded behind a login page?"};
static const struct foreign json = {"a JSON document", NULL};

/* Protocol 2 to 5, then a frame, an import, a tuple, a memo or a long integer. */
static bool is_pickle(const unsigned char *p, size_t length) {
    return length > 2 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5 &&
           memchr("\x95"
                  "c}(]\x8a",
                  p[2], 6) != NULL;
}

/* Eight bytes of header length, little-endian, then a JSON object. */
static bool is_safetensors(const unsigned char *p, size_t length) {
    return length > 9 && p[6] == 0 && p[7] == 0 && p[8] == '{' && (p[9] == '"' || p[9] == '}');
}

static bool starts_with_any_case(const unsigned char *p, size_t length, const char *word) {
    size_t count = strlen(word);
    if (length < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if ((p[i] | 0x20) != (word[i] | 0x20))
            return false;
    return true;
}

const struct foreign *foreign_sniff(const void *bytes, size_t length) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        const struct magic *m = &magics[i];
        if (length >= m->offset + m->length && memcmp(p + m->offset, m->bytes, m->length) == 0)
            return &m->foreign;
    }
    if (is_pickle(p, length))
        return &pickle;
    if (is_safetensors(p, length))
        return &safetensors;
    if (starts_with_any_case(p, length, "<!doctype html") ||
        starts_with_any_case(p, length, "<html"))
        return &html;
    return length > 1 && p[0] == '{' && (p[1] == '"' || p[1] == '\n') ? &json : NULL;
}
