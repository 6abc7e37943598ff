#include "rc522.h"

#include <string.h>

#include "driver/spi_master.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

/* Registers (data sheet, chapter 9) */
#define COMMAND 0x01
#define COM_IRQ 0x04
#define ERRORS 0x06
#define FIFO_DATA 0x09
#define FIFO_LEVEL 0x0A
#define BIT_FRAMING 0x0D
#define MODE 0x11
#define TX_CONTROL 0x14
#define TX_ASK 0x15
#define TIMER_MODE 0x2A
#define TIMER_PRESCALER 0x2B
#define TIMER_RELOAD_HIGH 0x2C
#define TIMER_RELOAD_LOW 0x2D
#define VERSION 0x37

/* Commands (chapter 10), and bits of the registers */
#define IDLE 0x00
#define TRANSCEIVE 0x0C
#define SOFT_RESET 0x0F
#define FLUSH 0x80
#define START_SEND 0x80
#define IRQ_TIMER 0x01
#define IRQ_IDLE 0x10
#define IRQ_RECEIVED 0x20
#define ANY_ERROR 0x1B /* buffer, collision, parity, protocol */
#define ANTENNA_ON 0x03

/* ISO/IEC 14443-3 */
#define REQA 0x26
#define REQA_BITS 7
#define CASCADE_1 0x93
#define CASCADE_2 0x95
#define ANTICOLLISION 0x20
#define SELECT 0x70
#define CASCADE_TAG 0x88 /* the UID goes on in the next level */

#define CLOCK_HZ 4000000
#define WAITS 40 /* of 1 ms: the chip's timer ends it after 25 */

static spi_device_handle_t chip;

static uint8_t transfer(uint8_t address, uint8_t value) {
    uint8_t out[2] = {address, value};
    uint8_t in[2] = {0};
    spi_transaction_t both = {.length = 16, .tx_buffer = out, .rx_buffer = in};

    return spi_device_polling_transmit(chip, &both) == ESP_OK ? in[1] : 0;
}

static void put(uint8_t reg, uint8_t value) { transfer((uint8_t)(reg << 1), value); }

static uint8_t get(uint8_t reg) { return transfer((uint8_t)(reg << 1 | 0x80), 0); }

bool rc522_init(void) {
    spi_bus_config_t bus = {.mosi_io_num = CONFIG_BADGE_MOSI_GPIO,
                            .miso_io_num = CONFIG_BADGE_MISO_GPIO,
                            .sclk_io_num = CONFIG_BADGE_SCK_GPIO,
                            .quadwp_io_num = -1,
                            .quadhd_io_num = -1};
    spi_device_interface_config_t device = {
        .mode = 0, .clock_speed_hz = CLOCK_HZ, .spics_io_num = CONFIG_BADGE_CS_GPIO, .queue_size = 1};
    uint8_t version;

    ESP_ERROR_CHECK(spi_bus_initialize(SPI2_HOST, &bus, SPI_DMA_CH_AUTO));
    ESP_ERROR_CHECK(spi_bus_add_device(SPI2_HOST, &device, &chip));
    put(COMMAND, SOFT_RESET);
    vTaskDelay(pdMS_TO_TICKS(50));
    put(TIMER_MODE, 0x80); /* begins with the end of what is sent; 40 kHz, 1000 ticks: 25 ms */
    put(TIMER_PRESCALER, 0xA9);
    put(TIMER_RELOAD_HIGH, 0x03);
    put(TIMER_RELOAD_LOW, 0xE8);
    put(TX_ASK, 0x40);
    put(MODE, 0x3D);
    put(TX_CONTROL, (uint8_t)(get(TX_CONTROL) | ANTENNA_ON));
    version = get(VERSION);
    return version != 0x00 && version != 0xFF;
}

static bool wait_for_answer(void) {
    for (int i = 0; i < WAITS; i++) {
        uint8_t irq = get(COM_IRQ);
        if (irq & (IRQ_RECEIVED | IRQ_IDLE)) return (get(ERRORS) & ANY_ERROR) == 0;
        if (irq & IRQ_TIMER) return false;
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    return false;
}

/* Send some bytes, `bits` of the last one (0: all of it), and receive `wanted`. */
static bool exchange(const uint8_t *out, size_t size, uint8_t bits, uint8_t *in, size_t wanted) {
    bool answered;

    put(COMMAND, IDLE);
    put(COM_IRQ, 0x7F);
    put(FIFO_LEVEL, FLUSH);
    for (size_t i = 0; i < size; i++) put(FIFO_DATA, out[i]);
    put(BIT_FRAMING, bits);
    put(COMMAND, TRANSCEIVE);
    put(BIT_FRAMING, (uint8_t)(bits | START_SEND));
    answered = wait_for_answer() && get(FIFO_LEVEL) == wanted;
    put(BIT_FRAMING, 0);
    for (size_t i = 0; answered && i < wanted; i++) in[i] = get(FIFO_DATA);
    return answered;
}

/* Four bytes of the UID, or the cascade tag and three of them; then the check byte. */
static bool anticollision(uint8_t level, uint8_t answer[5]) {
    uint8_t ask[2] = {level, ANTICOLLISION};

    return exchange(ask, sizeof ask, 0, answer, 5) && card_checked(answer);
}

static bool select_card(uint8_t level, const uint8_t answer[5]) {
    uint8_t ask[9] = {level, SELECT};
    uint8_t acknowledge[3];
    uint16_t crc;

    memcpy(ask + 2, answer, 5);
    crc = card_crc(ask, 7);
    ask[7] = (uint8_t)crc;
    ask[8] = (uint8_t)(crc >> 8);
    return exchange(ask, sizeof ask, 0, acknowledge, sizeof acknowledge);
}

bool rc522_read(card_uid *uid) {
    uint8_t request = REQA;
    uint8_t answer[5];

    if (!exchange(&request, 1, REQA_BITS, answer, 2) || !anticollision(CASCADE_1, answer)) return false;
    if (answer[0] != CASCADE_TAG) {
        memcpy(uid->bytes, answer, 4);
        uid->size = 4;
        return true;
    }
    memcpy(uid->bytes, answer + 1, 3);
    if (!select_card(CASCADE_1, answer) || !anticollision(CASCADE_2, answer)) return false;
    memcpy(uid->bytes + 3, answer, 4);
    uid->size = 7;
    return true;
}
