/* The I2S bus: microphone and loudspeaker share its clock, so that one controller is enough, as the ESP32-C3 has it. 16
 * kHz, slots of 32 bits, which an INMP441 needs and a MAX98357A takes. */
#ifndef TS_SOUND_H
#define TS_SOUND_H

#include <stddef.h>
#include <stdint.h>

#define TS_SOUND_SAMPLES 640    /* read at once: 40 ms */
#define TS_SOUND_LONGEST_GAP 10 /* lost frames in a row that silence is played for */

void ts_sound_init(void);

/* Wait for TS_SOUND_SAMPLES samples of the microphone. */
void ts_sound_read(int16_t *samples);

/* Give samples to the loudspeaker; waits until there is room. */
void ts_sound_write(const int16_t *samples, size_t count);
void ts_sound_silence(size_t count);

#endif
