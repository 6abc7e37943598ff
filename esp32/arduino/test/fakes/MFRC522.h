/* A reader of badges. Written from the examples of https://github.com/miguelbalboa/rfid. */
#ifndef FAKE_MFRC522_H
#define FAKE_MFRC522_H

#include "Arduino.h"

class MFRC522 {
public:
    struct Uid {
        byte size;
        byte uidByte[10];
        byte sak;
    };
    MFRC522(byte select, byte) : uid(), _select(select) {}
    void PCD_Init() {}
    bool PICC_IsNewCardPresent() { return fake::chip.pins[_select] != 0; } // a test lays a card down
    bool PICC_ReadCardSerial() {
        uid = Uid{4, {0x04, 0xA2, 0x19, static_cast<byte>(fake::chip.pins[_select])}, 0};
        return true;
    }
    byte PICC_HaltA() {
        fake::chip.pins[_select] = 0;
        return 0;
    }
    Uid uid;

private:
    byte _select;
};

#endif
