#include "scene.h"

#include "sdkconfig.h"

char told[512];
ts_view shown;

void is(const char *text, const char *wanted) {
    if (strcmp(text, wanted) == 0) return;
    fprintf(stderr, "wanted: %s\n   got: %s\n", wanted, text);
    exit(1);
}

void asked(const char *wanted) { is(fake_asked(), wanted); }

void begins(const char *wanted) {
    const char *text = fake_asked();

    if (strncmp(text, wanted, strlen(wanted)) != 0) is(text, wanted);
}

/* -- The application ---------------------------------------------------------------------------------------------- */

static void tell(const char *what, ts_text more) {
    size_t used = strlen(told);

    snprintf(told + used, sizeof told - used, "%s %.*s;", what, (int)more.size, more.data);
}

static void work(ts_text type, ts_text input, uint32_t fence, uint32_t job) {
    (void)input, (void)fence, (void)job;
    tell("work", type);
}

static void command(ts_text name, ts_text data) {
    uint32_t number = 0;
    char text[8] = "";

    tell("command", name);
    if (ts_app_number(data, "grams", &number)) CHECK(number == 500);
    if (ts_app_string(data, "unit", text, sizeof text)) tell("unit", (ts_text){text, strlen(text)});
}

static void safe(ts_reason reason) {
    char number[4];

    snprintf(number, sizeof number, "%d", (int)reason);
    tell("safe", (ts_text){number, strlen(number)});
}

static void show(const ts_view *view) { shown = *view; }

static const ts_app app = {.model = "test", .work = work, .command = command, .safe = safe, .show = show};

static void app_task(void *unused) {
    (void)unused;
    ts_app_run(&app);
}

/* -- The beginnings ----------------------------------------------------------------------------------------------- */

const char free_document[] =
    "{\"state\":\"free\",\"in_use\":false,\"session\":null,\"type\":null,\"holder\":null,\"holder_name\":null,"
    "\"fence\":4,\"job\":0,\"expires_in_s\":null,\"input\":{},\"output\":{},\"complete\":false,\"queue\":[],"
    "\"revision\":7}";
const char busy_document[] =
    "{\"state\":\"active\",\"in_use\":true,\"session\":\"5f1c3f0e-0000-4000-8000-000000000001\",\"type\":\"weighing\","
    "\"holder\":\"alice\",\"holder_name\":\"Alice\",\"fence\":5,\"job\":1,\"expires_in_s\":60.0,\"input\":{},"
    "\"output\":{},\"complete\":false,\"queue\":[],\"revision\":8}";

void provision(void) {
    fake_flash("uri", "mqtts://broker.example:8883");
    fake_flash("ca", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    fake_flash("id", "scale-1");
    fake_flash("secret", "the-secret-of-the-scale");
}

void start(void) {
    fake_task(app_task, NULL);
    fake_run(100);
}

void go_online(void) {
    fake_connected();
    fake_run(10);
    asked("subscribe devices/scale-1/session 1");
    fake_granted(true);
    fake_run(10);
    asked("subscribe devices/scale-1/command/+ 1");
    fake_granted(true);
    fake_run(10);
#ifdef CONFIG_TALKSTICK_VOICE
    asked("subscribe devices/scale-1/speech/+ 0");
    asked("subscribe devices/scale-1/conversation 1");
    fake_granted(true);
    fake_granted(true);
    fake_run(10);
#endif
    begins("publish retained devices/scale-1/status {\"state\":\"online\",\"boot\":");
    fake_puback();
    fake_run(10);
    begins("publish retained devices/scale-1/info {\"model\":\"test\",\"firmware\":\"1.2.3\"");
    fake_puback();
    fake_run(10);
}

void be_held(void) {
    provision();
    start();
    asked("connect {\"state\":\"lost\",\"boot\":1}");
    go_online();
    fake_message("devices/scale-1/session", busy_document, 100);
    fake_run(10);
}

int play(const scenario *scenarios, size_t count, int arguments, char **values) {
    for (size_t i = 0; i < count; i++)
        if (arguments == 2 && strcmp(values[1], scenarios[i].name) == 0) {
            scenarios[i].play();
            return 0;
        }
    return 2;
}
