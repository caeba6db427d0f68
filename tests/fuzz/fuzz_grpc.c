/* Any bytes as what a client of the external scaler sends: in pieces, with time passing between
 * them, until the connection gives up; whatever comes out is dropped.
 *
 * The first byte says how: bit 0, whether the preface and settings stand before the rest; bits 1 to
 * 3, the size of a piece; bit 4, whether a second passes after each; bit 5,
 * whether a token is asked for. */
#include "tests/unit/fake_auth.h"
#include "tests/unit/grpc_client.h"

#include <limits.h>
#include <stdio.h>

enum { WITH_PREFACE = 1, SLOWLY = 16, WITH_TOKEN = 32 };

static const unsigned char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0";

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_seed(const char *folder, const char *name, const struct strbuf *bytes) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file)
        return;
    fputc(0, file);
    fwrite(bytes->text, 1, bytes->length, file);
    fclose(file);
}

/* Headers are compressed, and random bytes do not find a call: real ones are written as seeds. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const char *const methods[] = {"IsActive", "StreamIsActive", "GetMetricSpec",
                                          "GetMetrics", "StreamMetricSpec"};
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    (void)argc, (void)argv;
    for (size_t i = 0; folder && i < sizeof methods / sizeof *methods; i++) {
        const struct client_field more[] = {
            {"grpc-timeout",  "5S"           },
            {"authorization", "Bearer secret"},
            {NULL,            NULL           }
        };
        struct client_body body = BODY(turning_request);
        struct grpc_client client;
        struct strbuf sent;
        char path[64];
        snprintf(path, sizeof path, SERVICE "%s", methods[i]);
        strbuf_init(&sent);
        client_open(&client);
        client.record = &sent;
        client_call(&client, path, more, &body);
        client_exchange(&client);
        write_seed(folder, methods[i], &sent);
        client_done(&client);
        strbuf_done(&sent);
    }
    return 0;
}

static void drop_output(struct grpc_connection *connection) {
    const void *bytes;
    size_t length;
    while ((length = grpc_connection_output(connection, &bytes)) > 0)
        grpc_connection_sent(connection, length);
}

/* Whether the connection goes on. */
static bool step(struct grpc_connection *connection, const uint8_t *bytes, size_t length,
                 bool slowly) {
    if (grpc_connection_receive(connection, bytes, length))
        return false;
    drop_output(connection);
    if (slowly)
        client_now_ns += 1000 * MS;
    if (client_now_ns >= grpc_connection_due_ns(connection) && grpc_connection_tick(connection))
        return false;
    drop_output(connection);
    return !grpc_connection_finished(connection);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t how = size ? data[0] : 0;
    struct fake_scaler fake = {0};
    const struct scaler scaler = fake_scaler(&fake);
    const struct grpc_service service = {
        .scaler = &scaler,
        .auth = how & WITH_TOKEN ? fake_auth("secret") : (struct auth){0                   },
        .limits = { .streams_max = 10,
                                                                       .message_max_bytes = 200,
                                                                       .header_max_bytes = 1000,
                                                                       .buffered_max_bytes = 500,
                                                                       .request_ns = 10000 * MS,
                                                                       .idle_ns = 300000 * MS,
                                                                       .poll_ns = 1000 * MS},
        .now_ns = client_clock,
    };
    client_now_ns = 1000000 * MS;
    size_t piece = (size_t)1 << (how >> 1 & 7) * 2;
    struct grpc_connection *connection = grpc_connection_open(&service);
    bool open = connection != NULL;
    if (open && (how & WITH_PREFACE))
        open = step(connection, preface, sizeof preface, false); /* its last byte is stream 0's */
    for (size_t at = 1; open && at < size; at += piece)
        open = step(connection, data + at, size - at < piece ? size - at : piece, how & SLOWLY);
    for (int i = 0; open && i < 20; i++)
        open = step(connection, data, 0, true);
    if (open) {
        grpc_connection_stop(connection);
        drop_output(connection);
    }
    if (connection)
        grpc_connection_close(connection);
    return 0;
}
