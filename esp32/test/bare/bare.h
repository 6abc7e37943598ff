/* What runs on a machine without an operating system, and what such a machine can do. */
#ifndef BARE_H
#define BARE_H

#include <stddef.h>

/* -- Of the machine -- */

void emit(const char *text);                    /* print it */
void leave(int code) __attribute__((noreturn)); /* end the simulation; QEMU exits with `code` */
void begin(void) __attribute__((noreturn));     /* where the start code jumps to, with a stack */

/* -- Of the test -- */

void emit_number(unsigned number);
int scenario(void); /* play it; return how many things were wrong */

#endif
