/* The board's functions on the chip, and what stands in for pins and timer on an emulator that has none. */
#include "../../core/core.h"
#include "chip.h"

/* Interrupt levels, 0 the most urgent: the safety lines; SysTick, which on an emulator keeps the time; the link; the alarm;
 * the tick, which SysTick leaves to PendSV. */
enum {
	LEVEL_EDGE = 0x00,
	LEVEL_TIME = 0x10,
	LEVEL_LINK = 0x20,
	LEVEL_ALARM = 0x30,
	LEVEL_TICK = 0x40
};

#define CPU_HZ 168000000ul
#define TICK_COUNTS (CPU_HZ / 1000000 * PROTO_TICK_US)
#define PATIENCE 200000u /* turns that the slowest thing waited for may take: some ms */
#define ENABLE_BIT (1u << 8)
#define LED_BIT (1u << 12)

struct Node node_state;
bool board_emulated;
int32_t board_lead = 6; /* 3 µs: into the interrupt and to the action */

static volatile uint32_t ticks_of_systick;

static void enable_irq(unsigned irq, uint8_t level)
{
	NVIC_IPR(irq) = level;
	NVIC_ISER(irq) = 1u << irq % 32;
}

static bool comes(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
	for (uint32_t i = 0; i < PATIENCE; i++)
		if ((*reg & mask) == value)
			return true;
	return false;
}

/* ---- an emulator's pins ---------------------------------------------------------------------------------------------
 *
 * Out of USART2: 'P' port state time:u32, whenever a pin changes (state: bit 0 enable, 1 led; node time, little-endian).
 * Into it: one byte of levels, as board_inputs() gives them; an opening loop is also an edge, by software. */

static volatile uint8_t test_inputs;
static uint8_t pins_port, pins_state;

static void tell_pins(void)
{
	uint8_t bytes[7] = {'P', pins_port, pins_state};
	proto_put32(bytes + 3, board_now());
	for (unsigned i = 0; i < sizeof bytes; i++)
		USART_DR(USART2) = bytes[i];
}

static void set_pins(uint8_t port, uint8_t state)
{
	if (port == pins_port && state == pins_state)
		return;
	pins_port = port;
	pins_state = state;
	tell_pins();
}

void on_usart2(void)
{
	if (!(USART_SR(USART2) & USART_SR_RXNE))
		return;
	uint8_t now = (uint8_t)USART_DR(USART2), opened = now & (uint8_t)~test_inputs,
		changed = now ^ test_inputs;
	test_inputs = now;
	EXTI_SWIER = opened & (PROTO_INPUT_ESTOP | PROTO_INPUT_TRIP);
	if (changed & 0xf0) /* the emulator's EXTI does not ask by software */
		NVIC_ISPR(IRQ_EXTI15_10) = 1u << IRQ_EXTI15_10 % 32;
}

/* ---- pins ------------------------------------------------------------------------------------------------------------ */

/* One store sets what is 1 in the low half and clears what is 1 in the high half. */
#define PORT_STORE(port) ((uint32_t)(port) | (uint32_t)(uint8_t) ~(port) << 16)

void board_outputs(uint8_t port)
{
	GPIO_BSRR('C') = PORT_STORE(port);
	if (board_emulated)
		set_pins(port, pins_state);
}

void board_outputs_safe(void)
{
	GPIO_BSRR('C') = PORT_STORE(CORE_SAFE_PORT) | ENABLE_BIT << 16;
	if (board_emulated)
		set_pins(CORE_SAFE_PORT, pins_state & 2);
}

void board_enable(uint8_t on)
{
	GPIO_BSRR('C') = on ? ENABLE_BIT : ENABLE_BIT << 16;
	if (board_emulated)
		set_pins(pins_port, (uint8_t)((pins_state & 2) | (on ? 1 : 0)));
}

void board_led(uint8_t on)
{
	GPIO_BSRR('C') = on ? LED_BIT << 16 : LED_BIT;
	if (board_emulated)
		set_pins(pins_port, (uint8_t)((pins_state & 1) | (on ? 2 : 0)));
}

/* PB0, PB1 are bits 0 and 1, PB12 … PB15 bits 4 … 7. */
uint8_t board_inputs(void)
{
	uint32_t levels = GPIO_IDR('B');
	return board_emulated ? test_inputs : (uint8_t)((levels & 3) | (levels >> 8 & 0xf0));
}

/* The values before the directions: no glitch away from SAFE. */
static void ports(void)
{
	RCC_AHB1ENR |= 7;  /* ports A, B, C */
	(void)RCC_AHB1ENR; /* two clocks until it works */
	board_outputs_safe();
	board_led(0);
	GPIO_MODER('C') =
		(GPIO_MODER('C') & ~0x0303ffffu) | 0x01015555u; /* PC0 … PC8, PC12: outputs */
	GPIO_PUPDR('B') =
		(GPIO_PUPDR('B') & ~0xff00000fu) | 0xaa000005u; /* loops up, inputs down */
	GPIO_MODER('A') |= 0x000003fcu;                         /* PA1 … PA4: analogue */
	GPIO_AFRH('A') = (GPIO_AFRH('A') & ~0xff0u) | 0x770u;   /* PA9, PA10: USART1 */
	GPIO_MODER('A') = (GPIO_MODER('A') & ~0x003c0000u) | 0x00280000u;
}

/* ---- time ----------------------------------------------------------------------------------------------------------- */

/* SysTick counts down and is at 0 for the first clock of a period, already pending. When its interrupt has not run yet, the
 * count read may be of either side. */
static uint32_t systick_now(void)
{
	static uint32_t last;
	board_irq irq = board_irq_off();
	uint32_t ticks = ticks_of_systick, left = SYST_CVR;
	if (SCB_ICSR & SCB_ICSR_PENDSTSET) {
		left = SYST_CVR;
		left = left ? left : TICK_COUNTS - 1;
		ticks++;
	}
	uint32_t now = ticks * TICKS_US(PROTO_TICK_US) +
		       (TICK_COUNTS - 1 - left) / (CPU_HZ / BOARD_TICK_HZ);
	if ((int32_t)(now - last) < 0)
		now = last; /* within that first clock of its own interrupt */
	last = now;
	board_irq_restore(irq);
	return now;
}

uint32_t board_now(void)
{
	return board_emulated ? systick_now() : TIM2_CNT;
}

static volatile uint32_t alarm_at;
static volatile uint8_t alarm_set;

void board_alarm(uint32_t at)
{
	alarm_at = at;
	alarm_set = 1;
	TIM2_CCR1 = at - (uint32_t)board_lead;
}

static void ring(void)
{
	NVIC_ISPR(IRQ_TIM2) = 1u << IRQ_TIM2 % 32;
}

void on_alarm(void)
{
	TIM2_SR = ~TIM_CC1;
	alarm_set = 0;
	core_on_alarm();
}

void board_alarm_mask(uint8_t masked)
{
	uint32_t level = masked ? LEVEL_ALARM : 0;
	__asm__ volatile("msr basepri, %0\n"
			 "isb" ::"r"(level)
			 : "memory");
}

void on_systick(void)
{
	ticks_of_systick++;
	SCB_ICSR = SCB_ICSR_PENDSVSET;
	if (board_emulated && alarm_set && (int32_t)(alarm_at - board_now()) <= board_lead)
		ring();
}

void on_pendsv(void)
{
	core_on_tick();
}

/* ---- link ----------------------------------------------------------------------------------------------------------- */

#define RING 512u
static volatile uint8_t rx[RING], tx[RING];
static volatile uint32_t rx_head, tx_tail, stamp_at, stamp_index;
static uint32_t rx_tail;
static volatile uint32_t tx_head;

void on_usart1(void)
{
	if (USART_SR(USART1) & USART_SR_RXNE) {
		uint8_t byte = (uint8_t)USART_DR(USART1);
		if (!byte) {
			stamp_at = board_now();
			stamp_index = rx_head;
		}
		rx[rx_head++ % RING] = byte;
	}
	while (tx_tail != tx_head && (USART_SR(USART1) & USART_SR_TXE))
		USART_DR(USART1) = tx[tx_tail++ % RING];
	if (tx_tail == tx_head)
		USART_CR1(USART1) &= ~USART_CR1_TXEIE;
}

bool board_uart_send(const uint8_t *bytes, uint8_t n)
{
	uint32_t head = tx_head;
	if (RING - (head - tx_tail) < n)
		return false;
	while (n--)
		tx[head++ % RING] = *bytes++;
	board_irq irq = board_irq_off();
	tx_head = head;
	USART_CR1(USART1) |= USART_CR1_TXEIE;
	NVIC_ISPR(IRQ_USART1) =
		1u << IRQ_USART1 % 32; /* an emulator's transmitter never asks by itself */
	board_irq_restore(irq);
	return true;
}

int16_t board_uart_get(void)
{
	if (rx_tail == rx_head)
		return -1;
	return rx[rx_tail++ % RING];
}

/* Encoding takes some 20 µs, the bytes already waiting 20 µs each. */
uint16_t board_uart_lead(void)
{
	uint32_t waiting = (tx_head - tx_tail) * TICKS_US(20);
	return (uint16_t)(waiting > TICKS_US(20) ? waiting : TICKS_US(20));
}

bool board_uart_stamp(uint32_t *ret_at)
{
	board_irq irq = board_irq_off();
	uint32_t index = stamp_index;
	*ret_at = stamp_at;
	board_irq_restore(irq);
	return index == rx_tail - 1;
}

/* ---- ADC ------------------------------------------------------------------------------------------------------------- */

#define SAMPLE_CLOCKS 84 /* of 21 MHz: 4 µs */

void board_adc_select(uint8_t channel)
{
	ADC1_SQR3 = channel + 1u;
}

void board_adc_start(volatile uint16_t *ret_at)
{
	board_irq irq = board_irq_off();
	ADC1_SR = 0;
	ADC1_CR2 = ADC_CR2_ADON | ADC_CR2_SWSTART;
	*ret_at = (uint16_t)(board_now() + TICKS_US(SAMPLE_CLOCKS / 21));
	if (board_emulated)
		NVIC_ISPR(IRQ_ADC) = 1u << IRQ_ADC % 32;
	board_irq_restore(irq);
}

/* Reading the code takes the request back. */
void on_adc(void)
{
	core_on_adc();
}

uint16_t board_adc_code(void)
{
	return (uint16_t)(ADC1_DR & 0x3ff);
}

/* ---- edges ---------------------------------------------------------------------------------------------------------- */

void on_edges(void)
{
	uint16_t stamp = board_now16();
	EXTI_PR = 0xf000; /* before the pins are read: what changes after that comes again */
	uint8_t levels = board_inputs();
	core_on_edges(0xf0, levels, stamp);
	if (node.edges_off)
		board_edges_off();
}

void board_edges_off(void)
{
	NVIC_ICER(IRQ_EXTI15_10) = 1u << IRQ_EXTI15_10 % 32;
}

void board_edges_on(uint8_t inputs)
{
	uint32_t lines = (uint32_t)inputs << 8;
	board_irq irq = board_irq_off();
	EXTI_IMR = (EXTI_IMR & ~0xf000u) | lines;
	board_irq_restore(irq);
	if (inputs)
		NVIC_ISER(IRQ_EXTI15_10) = 1u << IRQ_EXTI15_10 % 32;
}

/* ---- safety ----------------------------------------------------------------------------------------------------------- */

static void edge(uint32_t line)
{
	board_outputs_safe();
	EXTI_PR = line;
}

void on_estop(void)
{
	edge(PROTO_INPUT_ESTOP);
	core_on_estop();
}

void on_trip(void)
{
	edge(PROTO_INPUT_TRIP);
	core_on_trip();
}

void board_watchdog_kick(void)
{
	IWDG_KR = 0xaaaa;
}

/* 60 ms of the 32 kHz oscillator by 4; that one may be between 17 and 47 kHz. */
static void start_watchdog(void)
{
	IWDG_KR = 0xcccc; /* started first: it starts its own clock, which the next two wait for */
	IWDG_KR = 0x5555;
	IWDG_PR = 0;
	IWDG_RLR = 480;
	comes(&IWDG_SR, 3, 0);
	IWDG_KR = 0xaaaa;
}

/* ---- start ------------------------------------------------------------------------------------------------------------- */

/* Bit values of PROTO_CAUSE_…; a power-on sets the brown-out's and the pin's flags too. */
static uint8_t reset_cause(void)
{
	uint32_t flags = RCC_CSR;
	RCC_CSR = flags | RCC_CSR_RMVF;
	if (board_emulated || (flags & RCC_CSR_POR))
		return PROTO_CAUSE_POWER_ON;
	if (flags & (RCC_CSR_IWDG | RCC_CSR_WWDG))
		return PROTO_CAUSE_WATCHDOG;
	return flags & RCC_CSR_BOR ? PROTO_CAUSE_BROWN_OUT : PROTO_CAUSE_EXTERNAL;
}

/* The boot count lives in the last sector: a word with the count so far, then a word a boot, whose bits are cleared. */
#define SECTOR 11
#define SECTOR_WORDS (128u * 1024 / 4)
static volatile uint32_t *const boot_words = (volatile uint32_t *)0x080e0000;

static void flash_write(uint32_t command, volatile uint32_t *at, uint32_t value)
{
	FLASH_KEYR = 0x45670123;
	FLASH_KEYR = 0xcdef89ab;
	FLASH_CR = command | FLASH_CR_WORDS;
	if (at)
		*at = value;
	else
		FLASH_CR |= FLASH_CR_STRT;
	for (uint32_t i = 0; i < PATIENCE * 100 && (FLASH_SR & FLASH_SR_BSY); i++)
		board_watchdog_kick(); /* erasing takes a second; it comes once in 32,000 boots */
	FLASH_CR = FLASH_CR_LOCK;
}

static uint32_t count_boot(void)
{
	if (board_emulated)
		return 1;
	uint32_t first = 1, end = SECTOR_WORDS; /* the first unused word, by halving */
	while (first < end) {
		uint32_t middle = (first + end) / 2;
		if (boot_words[middle] == 0xffffffff)
			end = middle;
		else
			first = middle + 1;
	}
	uint32_t before = boot_words[0] == 0xffffffff ? 0 : boot_words[0], count = before + first;
	if (first == SECTOR_WORDS) {
		flash_write(FLASH_CR_SER | FLASH_CR_SECTOR(SECTOR), 0, 0);
		flash_write(FLASH_CR_PG, &boot_words[0], count);
	} else {
		if (boot_words[0] == 0xffffffff)
			flash_write(FLASH_CR_PG, &boot_words[0], 0);
		flash_write(FLASH_CR_PG, &boot_words[first], 0);
	}
	return count;
}

/* From the crystal, or from the internal oscillator (1 %) when there is none: a node whose clock is a little wrong is of
 * more use than one that is silent. Whatever does not come in time is gone without; then the link's speed is wrong, nobody
 * can command, and all stays safe. */
static void clocks(void)
{
	FLASH_ACR = FLASH_ACR_168MHZ;
	RCC_CR |= RCC_CR_HSEON;
	bool crystal = comes(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
	uint32_t by = (crystal ? BOARD_HSE_MHZ : 16) / 2; /* 2 MHz x 168 / 2 */
	RCC_PLLCFGR = by | 168u << 6 | 7u << 24 | (crystal ? RCC_PLLCFGR_HSE : 0);
	RCC_CR |= RCC_CR_PLLON;
	if (!comes(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY))
		return;
	RCC_CFGR = RCC_CFGR_APB1_BY_4 | RCC_CFGR_APB2_BY_2 | RCC_CFGR_SW_PLL;
	comes(&RCC_CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL);
}

static void peripherals(void)
{
	RCC_APB1ENR |= 1u | (board_emulated ? 1u << 17 : 0); /* TIM2; USART2 */
	RCC_APB2ENR |= 1u << 4 | 1u << 8 | 1u << 14;         /* USART1, ADC1, SYSCFG */
	TIM2_PSC = 84000000 / BOARD_TICK_HZ - 1;
	TIM2_ARR = 0xffffffff;
	TIM2_EGR = 1; /* take the divisor */
	TIM2_SR = 0;
	TIM2_CR1 = 1;
	TIM2_DIER = board_emulated ? 0 : TIM_CC1;
	ADC_CCR = ADC_CCR_BY_4;
	ADC1_CR1 = ADC_CR1_10_BIT | ADC_CR1_EOCIE;
	ADC1_SMPR2 = 4u << 3 | 4u << 6 | 4u << 9 | 4u << 12; /* channels 1 … 4: SAMPLE_CLOCKS */
	ADC1_CR2 = ADC_CR2_ADON;
	USART_BRR(USART1) = 84000000 / PROTO_BAUD;
	USART_CR1(USART1) = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE;
	if (board_emulated) {
		USART_CR1(USART2) = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE;
		enable_irq(IRQ_USART2, LEVEL_LINK);
	}
	SYSCFG_EXTICR1 = 0x0011; /* PB0, PB1 */
	SYSCFG_EXTICR4 = 0x1111; /* PB12 … PB15: both edges */
	EXTI_RTSR |= 0xf000;
	EXTI_FTSR |= 0xf000;
	EXTI_RTSR |= 3; /* rising = opening */
	EXTI_PR = 3;
	EXTI_IMR |= 3;
}

static void interrupts(void)
{
	SCB_SHPR_SYSTICK = LEVEL_TIME;
	SCB_SHPR_PENDSV = LEVEL_TICK;
	enable_irq(IRQ_EXTI0, LEVEL_EDGE);
	enable_irq(IRQ_EXTI1, LEVEL_EDGE);
	enable_irq(IRQ_USART1, LEVEL_LINK);
	enable_irq(IRQ_ADC, LEVEL_LINK);
	NVIC_IPR(IRQ_EXTI15_10) = LEVEL_LINK;
	enable_irq(IRQ_TIM2, LEVEL_ALARM);
	SYST_RVR = TICK_COUNTS - 1;
	SYST_CVR = 0;
	SYST_CSR = 7; /* the core's clock, with interrupt */
}

int main(void)
{
	__asm__ volatile("cpsid i");
	ports();
	board_emulated = !(RCC_CR & RCC_CR_HSIRDY);
	if (board_emulated)
		board_lead =
			(int32_t)TICKS_US(PROTO_TICK_US) + 10; /* until the tick after the next */
	else
		clocks();
	uint8_t cause = reset_cause();
	uint32_t boots = count_boot();
	peripherals();
	interrupts();
	core_init(boots, cause);
	start_watchdog();
	__asm__ volatile("cpsie i");
	for (;;)
		core_poll();
}
