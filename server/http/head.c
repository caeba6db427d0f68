#include "server/http/head.h"

#include "server/http/limits.h"

#include <string.h>
#include <strings.h>

enum { LINE_END = 2 };

static const struct known_field {
    const char *name;
    bool may_repeat;
} known[] = {
    [FIELD_HOST] = {"host",              false},
    [FIELD_CONTENT_LENGTH] = {"content-length",    false},
    [FIELD_TRANSFER_ENCODING] = {"transfer-encoding", false},
    [FIELD_CONTENT_TYPE] = {"content-type",      false},
    [FIELD_AUTHORIZATION] = {"authorization",     false},
    [FIELD_API_KEY] = {"x-api-key",         false},
    [FIELD_ORIGIN] = {"origin",            false},
    [FIELD_EXPECT] = {"expect",            false},
    [FIELD_ACCEPT] = {"accept",            true },
};

static int malformed(struct http_head *head, const char *what) {
    return http_refuse(head->refusal, 400, REJECTED_MALFORMED, "%s", what);
}

int http_head_begin(struct http_head *head, const char *method, const char *target,
                    size_t target_bytes, const char *version, struct http_refusal *refusal) {
    size_t version_bytes = strlen(version);
    *head = (struct http_head){.refusal = refusal, .start = method};
    if (target != method + strlen(method) + 1 || version != target + target_bytes + 1)
        return malformed(head, "the request line has needless blanks");
    head->next = version + version_bytes + LINE_END;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return http_refuse(refusal, 505, REJECTED_MALFORMED, "HTTP/1.1 was expected");
    if (target_bytes > HTTP_TARGET_BYTES_MAX)
        return http_refuse(refusal, 414, REJECTED_TOO_LARGE,
                           "the request's target is longer than %d bytes", HTTP_TARGET_BYTES_MAX);
    return 0;
}

/* RFC 9110, section 5.6.2: token. */
static bool is_token(const char *name, size_t bytes) {
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < bytes; i++) {
        char lower = name[i] | 0x20;
        bool alphanumeric = (lower >= 'a' && lower <= 'z') || (name[i] >= '0' && name[i] <= '9');
        if (!alphanumeric && !memchr(marks, name[i], sizeof marks - 1))
            return false;
    }
    return bytes > 0;
}

static bool is_field_value(const char *value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return false;
    return true;
}

/* From the end of the name to the value: the colon, overwritten, and blanks. */
static bool is_gap(const char *from, const char *to) {
    if (to <= from)
        return false;
    for (const char *at = from + 1; at < to; at++)
        if (*at != ' ' && *at != '\t')
            return false;
    return true;
}

static int keep(struct http_head *head, const char *name, size_t bytes, const char *value) {
    for (int i = 0; i < HTTP_KNOWN; i++) {
        if (strlen(known[i].name) != bytes || strncasecmp(known[i].name, name, bytes) != 0)
            continue;
        if (!head->fields[i])
            head->fields[i] = value;
        else if (!known[i].may_repeat)
            return http_refuse(head->refusal, 400, REJECTED_MALFORMED, "%s is sent twice",
                               known[i].name);
    }
    return 0;
}

int http_head_field(struct http_head *head, const char *name, size_t name_bytes, const char *value,
                    size_t value_bytes) {
    if (++head->field_count > HTTP_FIELDS_MAX)
        return http_refuse(head->refusal, 431, REJECTED_TOO_LARGE, "more than %d header fields",
                           HTTP_FIELDS_MAX);
    if (name != head->next)
        return malformed(head, "a line does not end in CRLF, is folded, or holds a NUL");
    if (!is_token(name, name_bytes))
        return malformed(head, "the name of a header field is no token");
    if (!is_gap(name + name_bytes, value) || !is_field_value(value, value_bytes))
        return malformed(head, "the value of a header field holds a control character");
    head->next = value + value_bytes + LINE_END;
    return keep(head, name, name_bytes, value);
}

/* ---- what delimits the body (RFC 9112, section 6.3) ---------------------------------------- */

static int read_length(struct http_head *head, const char *text) {
    enum { DIGITS_MAX = 18 };
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX || text[digits])
        return malformed(head, "content-length is no length");
    for (; *text; text++)
        head->content_length = 10 * head->content_length + (uint64_t)(*text - '0');
    return 0;
}

static int read_framing(struct http_head *head, bool http_1_1) {
    const char *length = head->fields[FIELD_CONTENT_LENGTH];
    const char *coding = head->fields[FIELD_TRANSFER_ENCODING];
    if (coding && length)
        return malformed(head, "both content-length and transfer-encoding are sent");
    if (coding && !http_1_1)
        return malformed(head, "transfer-encoding does not exist in HTTP/1.0");
    if (coding && strcasecmp(coding, "chunked") != 0)
        return http_refuse(head->refusal, 501, REJECTED_MALFORMED,
                           "the only transfer-encoding known is chunked");
    head->chunked = coding != NULL;
    return length ? read_length(head, length) : 0;
}

static int check_host(struct http_head *head, bool http_1_1) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~:[]";
    const char *host = head->fields[FIELD_HOST];
    if (!host)
        return http_1_1 ? malformed(head, "the host field is missing") : 0;
    return host[strspn(host, allowed)] ? malformed(head, "the host field is no host") : 0;
}

int http_head_end(struct http_head *head, size_t head_bytes, bool http_1_1) {
    const char *expect = head->fields[FIELD_EXPECT];
    if (head_bytes > HTTP_HEAD_BYTES_MAX)
        return http_refuse(head->refusal, 431, REJECTED_TOO_LARGE,
                           "the head of the request is longer than %d bytes", HTTP_HEAD_BYTES_MAX);
    if ((size_t)(head->next - head->start) + LINE_END != head_bytes)
        return malformed(head, "a line does not end in CRLF, is folded, or holds a NUL");
    if (expect && strcasecmp(expect, "100-continue") != 0)
        return http_refuse(head->refusal, 417, REJECTED_MALFORMED, "what is expected is not known");
    if (check_host(head, http_1_1) < 0)
        return -1;
    return read_framing(head, http_1_1);
}
