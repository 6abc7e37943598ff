/* What the scenarios have in common: a board with an application that notes what it is told. */
#ifndef SCENE_H
#define SCENE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "talkstick_app.h"

#define RELAY 26
#define BUTTON 0
#define ON 0 /* the relay is inverted */
#define OFF 1

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

extern char told[512]; /* what the application was told */
extern ts_view shown;  /* how things stand, as it was told last */

extern const char free_document[];
extern const char busy_document[]; /* Alice holds it, with fence 5, for 60 s */

/* Fail unless it is this text. */
void is(const char *text, const char *wanted);

/* Fail unless this is the next thing that the broker was asked for; or unless it begins so. */
void asked(const char *wanted);
void begins(const char *wanted);

/* Write into flash memory who the board is. */
void provision(void);

/* Switch it on, and wait a moment. */
void start(void);

/* From CONNACK to the birth. */
void go_online(void);

/* All of that; then Alice holds it. */
void be_held(void);

/* A scenario for the list in main(). */
typedef struct {
    const char *name;
    void (*play)(void);
} scenario;
#define SCENARIO(name) {#name, name}

/* Play the one that the command line names. */
int play(const scenario *scenarios, size_t count, int arguments, char **values);

#endif
