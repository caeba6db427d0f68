#include "collectors/onnxruntime/api.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct api_row {
    size_t offset; /* in struct api */
    uint32_t index;
    uint32_t since;
};

static const struct api_row rows[] = {
#define API_ROW(name, index, since, result, arguments) {offsetof(struct api, name), index, since},
    API_FUNCTIONS(API_ROW)
#undef API_ROW
};

static void fill(struct api *api, const void *table) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct api_row *row = &rows[i];
        if (row->since > api->version)
            continue;
        const char *from = (const char *)table + row->index * sizeof(void *);
        memcpy((char *)api + row->offset, from, sizeof(void *));
    }
}

int api_bind(struct api *api, const struct api_base *base, struct err *err) {
    api->version_string = base->get_version_string();
    /* The library prints a complaint when asked for more than it has, so ask from its own
     * version, "1.MINOR.PATCH": the API version is the minor number. */
    const char *dot = strchr(api->version_string, '.');
    long minor = dot ? strtol(dot + 1, NULL, 10) : 0;
    if (minor < API_VERSION_OLDEST) {
        err_set(err, ERR_ENVIRONMENT, "ONNX Runtime %s is too old: 1.%d or newer is needed",
                api->version_string, API_VERSION_OLDEST);
        return err_hint(err, "install a newer one (`make deps`) or name it with ASSAY_ORT_LIBRARY");
    }
    api->version = minor > API_VERSION_NEWEST ? API_VERSION_NEWEST : (uint32_t)minor;
    const void *table = base->get_api(api->version);
    if (!table)
        return err_set(err, ERR_ENVIRONMENT, "ONNX Runtime %s does not give its API version %u",
                       api->version_string, api->version);
    fill(api, table);
    return 0;
}

int api_load(struct api *api, const char *path, struct err *err) {
    const char *name = path ? path : "libonnxruntime.so.1";
    *api = (struct api){0};
    api->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!api->library) {
        err_set(err, ERR_ENVIRONMENT, "cannot load ONNX Runtime: %s", dlerror());
        return err_hint(err, "`make deps` installs it into node_modules; another copy can be named "
                             "with ASSAY_ORT_LIBRARY=/path/to/libonnxruntime.so.1");
    }
    const struct api_base *(*entry)(void);
    void *symbol = dlsym(api->library, "OrtGetApiBase");
    if (!symbol)
        return err_set(err, ERR_ENVIRONMENT, "%s is not ONNX Runtime: it has no OrtGetApiBase",
                       name);
    memcpy(&entry, &symbol, sizeof entry);
    return api_bind(api, entry(), err);
}

int api_check(const struct api *api, struct ort_status *status, enum err_code code,
              const char *what, struct err *err) {
    if (!status)
        return 0;
    err_set(err, code, "%s: %s", what, api->GetErrorMessage(status));
    api->ReleaseStatus(status);
    return -(int)code;
}
