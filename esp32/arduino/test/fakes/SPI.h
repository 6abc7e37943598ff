/* Written from https://docs.espressif.com/projects/arduino-esp32/en/latest/api/spi.html. */
#ifndef FAKE_SPI_H
#define FAKE_SPI_H

class SPIClass {
public:
    void begin() {}
};
extern SPIClass SPI;

#endif
