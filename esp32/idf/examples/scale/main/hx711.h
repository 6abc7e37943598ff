/* The HX711: a converter for load cells, by its data sheet (Avia Semiconductor). Channel A, gain 128. */
#ifndef HX711_H
#define HX711_H

#include <stdbool.h>
#include <stdint.h>

void hx711_init(void);

/* Wait for a reading, at most a quarter of a second; its 24 bits. Returns false where none comes. */
bool hx711_read(uint32_t *bits);

#endif
