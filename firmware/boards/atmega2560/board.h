/* ATmega2560 at 16 MHz (Arduino Mega 2560). Terminals, with the Mega's pin numbers:
 *
 *	out.0 … out.7	PA0 … PA7	22 … 29	push-pull; external pull-down to SAFE is part of the wiring
 *	enable		PC0		37	high while leases run; gates the power stage
 *	estop, trip	PD0, PD1	21, 20	INT0, INT1; loop to ground, pull-up: open = high
 *	in.0 … in.3	PL0 … PL3	49 … 46
 *	adc.0 … adc.3	PF0 … PF3	A0 … A3	reference AVCC
 *	led		PB7		13
 *	UART0		PE0, PE1	USB bridge
 */
#ifndef ANZEN_BOARD_ATMEGA2560_H
#define ANZEN_BOARD_ATMEGA2560_H

#include <avr/io.h>

#define BOARD_OUT_PORT PORTA
#define BOARD_OUT_DDR DDRA
#define BOARD_OUT_MASK 0xff
#define BOARD_OUT(port) (port)
#define BOARD_ENABLE_PORT PORTC
#define BOARD_ENABLE_DDR DDRC
#define BOARD_ENABLE_BIT 0
#define BOARD_LED_BIT 7
#define BOARD_LOOPS_BIT 0 /* estop; trip is the next */
#define BOARD_IN() ((uint8_t)(PINL << 4))
#define BOARD_RX_VECT USART0_RX_vect
#define BOARD_UDRE_VECT USART0_UDRE_vect
#define BOARD_TX_RING 256

#include "../avr/avr.h"

#endif
