#include "server/service/scrape.h"

#include "base/json.h"
#include "base/json_strict.h"
#include "server/service/observations.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES_MAX = 1 << 20 };

/* ---- the question ----------------------------------------------------------------------------
 */

const char *scrape_query(struct arena *arena, const char *query, const char *model) {
    static const char place[] = "{model}";
    struct strbuf out;
    strbuf_init(&out);
    for (const char *at = query; *at;) {
        if (strncmp(at, place, strlen(place)) != 0) {
            strbuf_add(&out, at++, 1);
            continue;
        }
        for (const char *c = model; *c; c++) {
            strbuf_puts(&out, *c == '"' || *c == '\\' || *c == '\'' ? "\\" : "");
            strbuf_add(&out, c, 1);
        }
        at += strlen(place);
    }
    const char *text = arena_strdup(arena, out.text);
    strbuf_done(&out);
    return text;
}

static size_t keep(char *bytes, size_t size, size_t count, void *context) {
    struct strbuf *body = context;
    if (body->length + size * count > ANSWER_BYTES_MAX)
        return 0; /* libcurl then gives up */
    strbuf_add(body, bytes, size * count);
    return size * count;
}

static void prepare(CURL *curl, const struct scrape_request *request, const char *url,
                    const char *form, struct strbuf *body) {
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(request->timeout_s * 1e3));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
}

static int ask(CURL *curl, const struct scrape_request *request, const char *url, const char *query,
               struct strbuf *body, struct err *err) {
    char *escaped = curl_easy_escape(curl, query, 0);
    if (!escaped)
        return err_set(err, ERR_ENVIRONMENT, "%s: out of memory", url);
    struct strbuf form;
    strbuf_init(&form);
    strbuf_printf(&form, "query=%s", escaped);
    curl_free(escaped);
    prepare(curl, request, url, form.text, body);
    CURLcode failed = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    strbuf_done(&form);
    if (failed)
        return err_set(err, ERR_ENVIRONMENT, "%s: %s", url, curl_easy_strerror(failed));
    if (status != 200)
        return err_set(err, ERR_ENVIRONMENT, "%s: status %ld", url, status);
    return 0;
}

int scrape_rate(struct arena *arena, const struct scrape_request *request, double *rate,
                struct err *err) {
    size_t length = strlen(request->url);
    while (length && request->url[length - 1] == '/')
        length--;
    const char *url = arena_printf(arena, "%.*s/api/v1/query", (int)length, request->url);
    const char *query = scrape_query(arena, request->query, request->model);
    CURL *curl = curl_easy_init();
    if (!curl)
        return err_set(err, ERR_ENVIRONMENT, "%s: libcurl cannot start", url);
    struct strbuf body;
    strbuf_init(&body);
    int code = ask(curl, request, url, query, &body, err);
    if (!code && scrape_parse(body.text, body.length, rate, err))
        code = err_prefix(err, "%s: %s", url, query);
    strbuf_done(&body);
    curl_easy_cleanup(curl);
    return code;
}

/* ---- the answer ------------------------------------------------------------------------------
 */

/* [time, "value"] */
static int read_sample(const cJSON *sample, double *rate, struct err *err) {
    const cJSON *text = cJSON_GetArrayItem(sample, 1);
    char *end;
    if (!cJSON_IsString(text))
        return err_set(err, ERR_INPUT, "a sample without a value");
    *rate = strtod(text->valuestring, &end);
    if (end == text->valuestring || *end || !(*rate >= 0 && *rate <= OBSERVATION_RATE_MAX))
        return err_set(err, ERR_INPUT, "\"%.40s\" is no rate", text->valuestring);
    return 0;
}

static int read_result(const cJSON *data, double *rate, struct err *err) {
    const cJSON *result;
    const char *type;
    if (json_get_text(data, "resultType", &type, err) ||
        json_get_tree(data, "result", cJSON_Array, &result, err))
        return -(int)err->code;
    if (strcmp(type, "scalar") == 0)
        return read_sample(result, rate, err);
    if (strcmp(type, "vector") != 0)
        return err_set(err, ERR_INPUT, "a %.20s: expected a scalar or a vector", type);
    int count = cJSON_GetArraySize(result);
    if (count != 1) {
        err_set(err, ERR_INPUT, "%d series instead of 1", count);
        return err_hint(err,
                        "the query should sum: sum(rate(requests_total{model=\"{model}\"}[1m]))");
    }
    return read_sample(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(result, 0), "value"),
                       rate, err);
}

static int read_answer(const cJSON *root, double *rate, struct err *err) {
    const cJSON *data;
    const char *status;
    if (json_get_text(root, "status", &status, err))
        return -(int)err->code;
    if (strcmp(status, "success") != 0)
        return err_set(err, ERR_INPUT, "status \"%.20s\"", status);
    return json_get_tree(root, "data", cJSON_Object, &data, err) ? -(int)err->code
                                                                 : read_result(data, rate, err);
}

int scrape_parse(const char *body, size_t length, double *rate, struct err *err) {
    static const struct json_limits limits = {.depth = 8, .values = 10000, .text_bytes = 4096};
    struct arena scratch;
    arena_init(&scratch);
    int code = json_check_strict(&scratch, body, length, &limits, "answer", err);
    arena_done(&scratch);
    cJSON *root = code ? NULL : json_parse(body, length, "answer", err);
    if (!root)
        return -(int)err->code;
    code = read_answer(root, rate, err);
    cJSON_Delete(root);
    return code;
}
