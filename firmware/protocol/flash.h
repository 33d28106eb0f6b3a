/* Constant tables: in flash on the AVR, which cannot read it with an ordinary load. */
#ifndef ANZEN_PROTOCOL_FLASH_H
#define ANZEN_PROTOCOL_FLASH_H

#include <stdint.h>

#ifdef __AVR__
#include <avr/pgmspace.h>
#define PROTO_FLASH PROGMEM
#define proto_flash8(p) pgm_read_byte(p)
#define proto_flash32(p) pgm_read_dword(p)
#else
#define PROTO_FLASH
#define proto_flash8(p) (*(p))
#define proto_flash32(p) (*(p))
#endif

#endif
