/* The external scaler under an independent client: tests/peers/keda_scaler.js, which is grpc-js.
 * runs its scenarios, each with a new server. */
#include "server/grpc/grpc.h"
#include "tests/unit/fake_auth.h"
#include "tests/unit/fake_scaler.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static struct grpc_server *start(const struct grpc_options *options, struct fake_scaler *fake,
                                 struct scaler *scaler) {
    struct grpc_server *server = NULL;
    struct err err = {0};
    *scaler = fake_scaler(fake);
    if (grpc_start(options, scaler, &server, &err))
        fail_msg("%s", err.message);
    return server;
}

/* ---- the client ------------------------------------------------------------------------------ */

struct client {
    pid_t process;
    FILE *output;
};

static void client_start(struct client *client, const char *scenarios,
                         const struct grpc_server *server, const char *certificate) {
    int ends[2];
    posix_spawn_file_actions_t actions;
    char *arguments[] = {strdup("node"),
                         strdup("tests/peers/keda_scaler.js"),
                         strdup(scenarios),
                         strdup(grpc_address(server)),
                         certificate ? strdup(certificate) : NULL,
                         NULL};
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    assert_int_equal(posix_spawnp(&client->process, "node", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    client->output = fdopen(ends[0], "r");
    assert_non_null(client->output);
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        free(arguments[i]);
}

static void client_wait(struct client *client, const char *words) {
    char line[256];
    while (fgets(line, sizeof line, client->output))
        if (strstr(line, words))
            return;
    fail_msg("the client did not say '%s'", words);
}

static void client_end(struct client *client) {
    int status = -1;
    char line[256];
    while (fgets(line, sizeof line, client->output))
        print_message("%s", line);
    fclose(client->output);
    assert_int_equal(waitpid(client->process, &status, 0), client->process);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void need_client(void) {
    if (access("node_modules/@grpc/grpc-js/package.json", R_OK) == 0 &&
        access("node_modules/@grpc/proto-loader/package.json", R_OK) == 0 &&
        system("node --version >/dev/null 2>&1") == 0)
        return;
    print_message("skip: the gRPC client needs node and npm's @grpc packages (make deps)\n");
    skip();
}

static void play(const char *scenarios, const struct grpc_options *options,
                 const char *certificate) {
    struct fake_scaler fake = {0};
    struct scaler scaler;
    struct client client;
    need_client();
    struct grpc_server *server = start(options, &fake, &scaler);
    client_start(&client, scenarios, server, certificate);
    client_end(&client);
    grpc_stop(server);
}

/* ---- scenarios ------------------------------------------------------------------------------- */

/* Streams look four times as often as they would, which is all that a test would wait for. */
static struct grpc_options local = {.limits.poll_ns = 250000000};

static int choose_address(void **state) {
    struct err err = {0};
    (void)state;
    return listen_parse(&local.address, "127.0.0.1:0", &err);
}

static void all_five_calls_are_answered(void **state) {
    (void)state;
    play("calls,streams", &local, NULL);
}

static void a_stream_says_what_does_not_change_once(void **state) {
    (void)state;
    play("steady", &local, NULL);
}

static void what_is_wrong_has_its_status(void **state) {
    (void)state;
    play("errors", &local, NULL);
}

static void a_token_is_asked_for_except_by_health_checks(void **state) {
    struct grpc_options options = local;
    (void)state;
    options.auth = fake_auth("secret");
    play("token", &options, NULL);
}

static void thousands_of_calls_on_one_connection_are_no_flood(void **state) {
    (void)state;
    play("many", &local, NULL);
}

static void a_stream_ends_at_its_deadline(void **state) {
    (void)state;
    play("deadline", &local, NULL);
}

static void streams_hear_that_the_server_stops(void **state) {
    struct fake_scaler fake = {0};
    struct scaler scaler;
    struct client client;
    (void)state;
    need_client();
    struct grpc_server *server = start(&local, &fake, &scaler);
    client_start(&client, "stop", server, NULL);
    client_wait(&client, "watching");
    grpc_stop(server);
    client_end(&client);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

/* A certificate for 127.0.0.1 that signs itself. */
static void write_certificate(const char *certificate_path, const char *key_path) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    FILE *certificate_file = fopen(certificate_path, "w"), *key_file = fopen(key_path, "w");
    assert_non_null(certificate_file);
    assert_non_null(key_file);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"assay test", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    assert_int_not_equal(X509_sign(certificate, key, EVP_sha256()), 0);
    assert_int_equal(PEM_write_X509(certificate_file, certificate), 1);
    assert_int_equal(PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(certificate_file);
    fclose(key_file);
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void calls_are_answered_over_tls_and_clients_identified(void **state) {
    char folder[] = "/tmp/assay-tls-XXXXXX", certificate[64], key[64];
    struct grpc_options options = local;
    (void)state;
    need_client();
    assert_non_null(mkdtemp(folder));
    snprintf(certificate, sizeof certificate, "%s/certificate.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    write_certificate(certificate, key);
    options.tls = (struct grpc_tls_files){.certificate = certificate, .key = key};
    play("calls,errors", &options, certificate);
    options.tls.client_ca = certificate; /* which the client shows, too */
    play("certificate", &options, certificate);
    unlink(certificate);
    unlink(key);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_five_calls_are_answered),
        cmocka_unit_test(a_stream_says_what_does_not_change_once),
        cmocka_unit_test(what_is_wrong_has_its_status),
        cmocka_unit_test(a_token_is_asked_for_except_by_health_checks),
        cmocka_unit_test(thousands_of_calls_on_one_connection_are_no_flood),
        cmocka_unit_test(a_stream_ends_at_its_deadline),
        cmocka_unit_test(streams_hear_that_the_server_stops),
        cmocka_unit_test(calls_are_answered_over_tls_and_clients_identified),
    };
    return cmocka_run_group_tests(tests, choose_address, NULL);
}
