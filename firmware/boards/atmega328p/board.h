/* ATmega328P at 16 MHz (Arduino Uno, Nano). Terminals, with the Arduino's pin numbers:
 *
 *	out.0 … out.3	PD4 … PD7	4 … 7	push-pull; external pull-down to SAFE is part of the wiring
 *	enable		PB1		9	high while leases run; gates the power stage
 *	estop, trip	PD2, PD3	2, 3	INT0, INT1; loop to ground, pull-up: open = high
 *	in.0		PB0		8	pin change interrupt
 *	in.1 … in.3	PB2 … PB4	10 … 12	the same
 *	adc.0 … adc.3	PC0 … PC3	A0 … A3	reference AVCC
 *	led		PB5		13
 *	UART0		PD0, PD1	USB bridge
 *
 * The outputs share port D with the loops' pull-ups and the UART's pins, which the UART drives by itself: the other bits of
 * that port are constant, so one store still sets all outputs.
 *
 * 2 KiB of memory: fewer messages on their way and fewer samples kept for a host that is busy (15 ms instead of 155 ms);
 * what is promised in time and what makes safe is the same.
 */
#ifndef ANZEN_BOARD_ATMEGA328P_H
#define ANZEN_BOARD_ATMEGA328P_H

#include <avr/io.h>

#define BOARD_OUT_PORT PORTD
#define BOARD_OUT_DDR DDRD
#define BOARD_OUT_MASK 0xf0
#define BOARD_OUT(port) ((uint8_t)((port) << 4 | _BV(PD2) | _BV(PD3)))
#define BOARD_ENABLE_PORT PORTB
#define BOARD_ENABLE_DDR DDRB
#define BOARD_ENABLE_BIT 1
#define BOARD_LED_BIT 5
#define BOARD_LOOPS_BIT 2 /* estop; trip is the next */
#define BOARD_CHANGED(port_b) ((uint8_t)(((port_b)&0x1c) << 3 | ((port_b)&1) << 4))
#define BOARD_IN() BOARD_CHANGED(PINB)
#define BOARD_CHANGES(inputs) ((uint8_t)(((inputs) >> 3 & 0x1c) | ((inputs) >> 4 & 1))) /* port B */
#define BOARD_RX_VECT USART_RX_vect
#define BOARD_UDRE_VECT USART_UDRE_vect
#define BOARD_TX_RING 128

#define BOARD_ALSO_SAFE()
#define BOARD_ALSO_SAFE_ASM ""

#include "../avr/avr.h"

#endif
