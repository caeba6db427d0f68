#include "reports/manifest_name.h"

#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

static const char lower_alphanumeric[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool is_one_of(char c, const char *set) {
    return c != '\0' && strchr(set, c) != NULL;
}

static char lowered(char c) {
    return is_one_of(c, upper) ? (char)(c - 'A' + 'a') : c;
}

bool is_dns_label(const char *text, size_t longest) {
    size_t length = strlen(text);
    if (length == 0 || length > longest)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_one_of(text[i], lower_alphanumeric) && text[i] != '-')
            return false;
    return text[0] != '-' && text[length - 1] != '-';
}

bool is_service_name(const char *text, size_t longest) {
    return is_dns_label(text, longest) && !is_one_of(text[0], "0123456789");
}

bool is_label_value(const char *text) {
    size_t length = strlen(text);
    if (length == 0 || length > DNS_LABEL_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool alphanumeric = is_one_of(lowered(text[i]), lower_alphanumeric);
        bool at_end = i == 0 || i == length - 1;
        if (!alphanumeric && (at_end || !is_one_of(text[i], "-_.")))
            return false;
    }
    return true;
}

const char *service_name_of(struct arena *arena, const char *name) {
    enum { DIGITS = 8, BODY = MANIFEST_NAME_MAX - DIGITS - 1 };
    if (is_service_name(name, MANIFEST_NAME_MAX))
        return name;
    char hex[SHA256_HEX_SIZE];
    sha256_hex(name, strlen(name), hex);
    char body[BODY + 1] = "m-"; /* kept when the name begins with no letter */
    size_t length = is_one_of(lowered(*name), "abcdefghijklmnopqrstuvwxyz") ? 0 : 2;
    for (; *name && length < BODY; name++) {
        char c = lowered(*name);
        if (is_one_of(c, lower_alphanumeric))
            body[length++] = c;
        else if (length > 0 && body[length - 1] != '-')
            body[length++] = '-';
    }
    while (length > 0 && body[length - 1] == '-')
        length--;
    return arena_printf(arena, "%.*s-%.*s", (int)length, body, DIGITS, hex);
}

const char *url_segment(struct arena *arena, const char *text) {
    char *out = arena_alloc(arena, 3 * strlen(text) + 1), *end = out;
    for (; *text; text++) {
        if (is_one_of(lowered(*text), lower_alphanumeric) || is_one_of(*text, "-._~"))
            *end++ = *text;
        else
            end += snprintf(end, 4, "%%%02X", (unsigned)(unsigned char)*text);
    }
    return out;
}
