/* From reset to main, the vector table, and the few functions of a C library that the compiler asks for. */
#include "chip.h"

#include <string.h>

int main(void);
void reset(void) __attribute__((noreturn));
void board_outputs_safe(void);

extern uint32_t stack_end[], data_from[], data_begin[], data_end[], bss_begin[], bss_end[];

/* A fault, or an interrupt that nobody asked for: safe at once, then stand still until the watchdog resets the chip. */
static void astray(void)
{
	__asm__ volatile("cpsid i");
	board_outputs_safe();
	for (;;)
		;
}

#define EXTERNAL(irq) (16 + (irq))
static const void *const vectors[EXTERNAL(IRQS)] __attribute__((section(".vectors"), used)) = {
	[0] = stack_end,
	[1] = reset,
	[2 ... 13] = astray,
	[14] = on_pendsv,
	[15] = on_systick,
	[16 ... EXTERNAL(IRQ_EXTI0) - 1] = astray,
	[EXTERNAL(IRQ_EXTI0)] = on_estop,
	[EXTERNAL(IRQ_EXTI1)] = on_trip,
	[EXTERNAL(IRQ_EXTI1) + 1 ... EXTERNAL(IRQ_ADC) - 1] = astray,
	[EXTERNAL(IRQ_ADC)] = on_adc,
	[EXTERNAL(IRQ_ADC) + 1 ... EXTERNAL(IRQ_TIM2) - 1] = astray,
	[EXTERNAL(IRQ_TIM2)] = on_alarm,
	[EXTERNAL(IRQ_TIM2) + 1 ... EXTERNAL(IRQ_USART1) - 1] = astray,
	[EXTERNAL(IRQ_USART1)] = on_usart1,
	[EXTERNAL(IRQ_USART2)] = on_usart2,
	[EXTERNAL(IRQ_USART2) + 1] = astray,
	[EXTERNAL(IRQ_EXTI15_10)] = on_edges,
	[EXTERNAL(IRQ_EXTI15_10) + 1 ... EXTERNAL(IRQS) - 1] = astray,
};

void reset(void)
{
	uint32_t *from = data_from;
	for (uint32_t *to = data_begin; to < data_end;)
		*to++ = *from++;
	for (uint32_t *to = bss_begin; to < bss_end;)
		*to++ = 0;
	main();
	astray();
	for (;;)
		;
}

/* ---- string.h ------------------------------------------------------------------------------------------------------- */

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	uint8_t *t = to;
	for (const uint8_t *f = from; n--;)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int value, size_t n)
{
	for (uint8_t *t = to; n--;)
		*t++ = (uint8_t)value;
	return to;
}
