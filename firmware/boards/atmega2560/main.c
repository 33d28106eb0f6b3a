#include "../../core/core.h"
#include <avr/eeprom.h>
#include <avr/sleep.h>
#include <string.h>

struct Node node_state;
volatile uint16_t board_time_high;

/* ---- UART: 256-byte rings with 8-bit indices ------------------------------------------------------------------ */

static volatile uint8_t rx[256], rx_head, tx[256], tx_head, tx_tail;
static uint8_t rx_tail;
static volatile uint8_t stamp_index;
static volatile uint32_t stamp_at;

/* A byte at 500 kBd lasts 320 cycles; the receiver holds two. */
ISR(USART0_RX_vect)
{
	uint8_t byte = UDR0, head = rx_head;
	rx[head] = byte;
	if (!byte) {
		stamp_at = board_now();
		stamp_index = head;
	}
	rx_head = (uint8_t)(head + 1); /* an overrun damages a frame, which its CRC shows */
}

ISR(USART0_UDRE_vect)
{
	uint8_t tail = tx_tail;
	if (tail == tx_head) {
		UCSR0B &= (uint8_t)~_BV(UDRIE0);
		return;
	}
	UDR0 = tx[tail];
	tx_tail = (uint8_t)(tail + 1);
}

bool board_uart_send(const uint8_t *bytes, uint8_t n)
{
	uint8_t head = tx_head;
	if ((uint8_t)(tx_tail - head - 1) < n)
		return false;
	while (n--)
		tx[head++] = *bytes++;
	board_barrier();
	tx_head = head;
	board_irq irq = board_irq_off();
	UCSR0B |= _BV(UDRIE0);
	board_irq_restore(irq);
	return true;
}

int16_t board_uart_get(void)
{
	if (rx_tail == rx_head)
		return -1;
	return rx[rx_tail++];
}

/* Encoding a pong takes ENCODE; the bytes already waiting take 20 µs each. */
#define ENCODE TICKS_US(400)
uint16_t board_uart_lead(void)
{
	uint16_t waiting = (uint8_t)(tx_head - tx_tail) * (uint16_t)TICKS_US(20);
	return waiting > ENCODE ? waiting : ENCODE;
}

bool board_uart_stamp(uint32_t *ret_at)
{
	board_irq irq = board_irq_off();
	uint8_t index = stamp_index;
	*ret_at = stamp_at;
	board_irq_restore(irq);
	return index == (uint8_t)(rx_tail - 1);
}

/* ---- interrupts ------------------------------------------------------------------------------------------------- */

ISR(TIMER1_OVF_vect)
{
	board_time_high++;
}

/* The two safety lines: outputs first, book-keeping after. */
ISR(INT0_vect)
{
	board_outputs_safe();
	core_on_estop();
}

ISR(INT1_vect)
{
	board_outputs_safe();
	core_on_trip();
}

ISR(ADC_vect)
{
	core_on_adc(ADC);
}

/* Alarm and tick let everything else in, never themselves; the alarm keeps the tick out while it waits for a moment.
 * Flags rather than TIMSK1: what comes meanwhile is remembered here and does not depend on how a chip, or an emulator,
 * treats a flag that was raised while its interrupt was masked. */
static volatile uint8_t alarm_masked, alarm_active, alarm_missed, tick_active, tick_missed;

/* Both are entered and left with interrupts off. */
static void run_tick(void)
{
	tick_active = 1;
	do {
		tick_missed = 0;
		sei();
		core_on_tick();
		cli();
	} while (tick_missed);
	tick_active = 0;
}

static void run_alarm(void)
{
	alarm_active = 1;
	do {
		alarm_missed = 0;
		sei();
		core_on_alarm();
		cli();
	} while (alarm_missed);
	alarm_active = 0;
	if (tick_missed && !tick_active)
		run_tick();
}

ISR(TIMER1_COMPA_vect)
{
	if (alarm_masked || alarm_active)
		alarm_missed = 1;
	else
		run_alarm();
}

ISR(TIMER1_COMPB_vect)
{
	OCR1B += (uint16_t)TICKS_US(PROTO_TICK_US);
	if (alarm_active || tick_active)
		tick_missed = 1;
	else
		run_tick();
}

void board_alarm_mask(uint8_t masked)
{
	board_irq irq = board_irq_off();
	alarm_masked = masked;
	if (!masked && alarm_missed)
		run_alarm();
	board_irq_restore(irq);
}

/* ---- start ---------------------------------------------------------------------------------------------------------- */

static uint8_t reset_cause __attribute__((section(".noinit")));

/* Before anything else: after a watchdog reset the watchdog still runs, at its shortest. */
void early(void) __attribute__((naked, used, section(".init3")));
void early(void)
{
	reset_cause = MCUSR;
	MCUSR = 0;
	wdt_disable();
}

static uint32_t count_boot(void)
{
	static uint32_t EEMEM boots;
	uint32_t count = eeprom_read_dword(&boots);
	count = count == 0xffffffff ? 1 : count + 1;
	eeprom_update_dword(&boots, count);
	return count;
}

static void ports(void)
{
	PORTA = CORE_SAFE_PORT; /* the value before the direction: no glitch away from SAFE */
	DDRA = 0xff;
	DDRC = _BV(PC0);
	DDRB = _BV(PB7);
	PORTD = _BV(PD0) | _BV(PD1);
	EICRA = _BV(ISC01) | _BV(ISC00) | _BV(ISC11) | _BV(ISC10); /* rising = opening */
	EIFR = _BV(INTF0) | _BV(INTF1);
	EIMSK = _BV(INT0) | _BV(INT1);
}

static void peripherals(void)
{
	TCCR1A = 0;
	TCCR1B = _BV(CS11);
	OCR1B = TCNT1 + (uint16_t)TICKS_US(PROTO_TICK_US);
	TIMSK1 = _BV(TOIE1) | _BV(OCIE1A) | _BV(OCIE1B);
	ADCSRA = _BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0); /* 125 kHz */
	UCSR0A = _BV(U2X0); /* before the divisor: emulators take the speed when that is written */
	UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
	UBRR0 = F_CPU / 8 / PROTO_BAUD - 1;
	UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

int main(void)
{
	ports();
	uint32_t boots = count_boot();
	peripherals();
	core_init(boots, reset_cause & 0x0f);
	wdt_enable(WDTO_60MS);
	sei();
	SMCR = 0; /* idle: timers, UART and ADC go on */
	for (;;) {
		core_poll();
		cli();
		if (rx_tail == rx_head) {
			sleep_enable();
			sei();
			sleep_cpu();
			sleep_disable();
		}
		sei();
	}
}
