/* The registers of the STM32F405 that this board uses (RM0090 rev 19, chapter in brackets; core: PM0214 rev 10). */
#ifndef ANZEN_BOARD_STM32F405_CHIP_H
#define ANZEN_BOARD_STM32F405_CHIP_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define REG8(address) (*(volatile uint8_t *)(address))

/* clocks [7] */
#define RCC_CR REG(0x40023800)
#define RCC_CR_HSIRDY (1u << 1)
#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR REG(0x40023804)
#define RCC_PLLCFGR_HSE (1u << 22)
#define RCC_CFGR REG(0x40023808)
#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_SWS (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_CFGR_APB1_BY_4 (5u << 10)
#define RCC_CFGR_APB2_BY_2 (4u << 13)
#define RCC_AHB1ENR REG(0x40023830)
#define RCC_APB1ENR REG(0x40023840)
#define RCC_APB2ENR REG(0x40023844)
#define RCC_CSR REG(0x40023874)
#define RCC_CSR_RMVF (1u << 24)
#define RCC_CSR_BOR (1u << 25)
#define RCC_CSR_PIN (1u << 26)
#define RCC_CSR_POR (1u << 27)
#define RCC_CSR_IWDG (1u << 29)
#define RCC_CSR_WWDG (1u << 30)

/* flash [3] */
#define FLASH_ACR REG(0x40023c00)
#define FLASH_ACR_168MHZ (5u | 7u << 8) /* wait states; prefetch and both caches */
#define FLASH_KEYR REG(0x40023c04)
#define FLASH_SR REG(0x40023c0c)
#define FLASH_SR_BSY (1u << 16)
#define FLASH_CR REG(0x40023c10)
#define FLASH_CR_PG 1u
#define FLASH_CR_SER (1u << 1)
#define FLASH_CR_SECTOR(n) ((uint32_t)(n) << 3)
#define FLASH_CR_WORDS (2u << 8)
#define FLASH_CR_STRT (1u << 16)
#define FLASH_CR_LOCK (1u << 31)

/* pins [8], external interrupts [12], [9] */
#define GPIO(port) (0x40020000u + 0x400u * (uint32_t)((port) - 'A'))
#define GPIO_MODER(port) REG(GPIO(port) + 0x00)
#define GPIO_PUPDR(port) REG(GPIO(port) + 0x0c)
#define GPIO_IDR(port) REG(GPIO(port) + 0x10)
#define GPIO_BSRR(port) REG(GPIO(port) + 0x18)
#define GPIO_AFRH(port) REG(GPIO(port) + 0x24)
#define SYSCFG_EXTICR1 REG(0x40013808)
#define SYSCFG_EXTICR4 REG(0x40013814)
#define EXTI_IMR REG(0x40013c00)
#define EXTI_RTSR REG(0x40013c08)
#define EXTI_FTSR REG(0x40013c0c)
#define EXTI_SWIER REG(0x40013c10)
#define EXTI_PR REG(0x40013c14)

/* USART [30] */
#define USART1 0x40011000u
#define USART2 0x40004400u
#define USART_SR(u) REG((u) + 0x00)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TXE (1u << 7)
#define USART_DR(u) REG((u) + 0x04)
#define USART_BRR(u) REG((u) + 0x08)
#define USART_CR1(u) REG((u) + 0x0c)
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_TXEIE (1u << 7)
#define USART_CR1_UE (1u << 13)

/* timer 2 [18] */
#define TIM2_CR1 REG(0x40000000)
#define TIM2_DIER REG(0x4000000c)
#define TIM2_SR REG(0x40000010)
#define TIM2_EGR REG(0x40000014)
#define TIM2_CNT REG(0x40000024)
#define TIM2_PSC REG(0x40000028)
#define TIM2_ARR REG(0x4000002c)
#define TIM2_CCR1 REG(0x40000034)
#define TIM_CC1 (1u << 1) /* in DIER and SR */

/* ADC [13] */
#define ADC1_SR REG(0x40012000)
#define ADC_SR_EOC (1u << 1)
#define ADC1_CR1 REG(0x40012004)
#define ADC_CR1_10_BIT (1u << 24)
#define ADC_CR1_EOCIE (1u << 5)
#define ADC1_CR2 REG(0x40012008)
#define ADC_CR2_ADON 1u
#define ADC_CR2_SWSTART (1u << 30)
#define ADC1_SMPR2 REG(0x40012010)
#define ADC1_SQR3 REG(0x40012034)
#define ADC1_DR REG(0x4001204c)
#define ADC_CCR REG(0x40012304)
#define ADC_CCR_BY_4 (1u << 16)

/* independent watchdog [21] */
#define IWDG_KR REG(0x40003000)
#define IWDG_PR REG(0x40003004)
#define IWDG_RLR REG(0x40003008)
#define IWDG_SR REG(0x4000300c)

/* the core */
#define SYST_CSR REG(0xe000e010)
#define SYST_RVR REG(0xe000e014)
#define SYST_CVR REG(0xe000e018)
#define NVIC_ISER(irq) REG(0xe000e100 + 4 * ((irq) / 32))
#define NVIC_ICER(irq) REG(0xe000e180 + 4 * ((irq) / 32))
#define NVIC_ISPR(irq) REG(0xe000e200 + 4 * ((irq) / 32))
#define NVIC_IPR(irq) REG8(0xe000e400 + (irq))
#define SCB_ICSR REG(0xe000ed04)
#define SCB_ICSR_PENDSTSET (1u << 26)
#define SCB_ICSR_PENDSVSET (1u << 28)
#define SCB_SHPR_PENDSV REG8(0xe000ed22)
#define SCB_SHPR_SYSTICK REG8(0xe000ed23)

enum {
	IRQ_EXTI0 = 6,
	IRQ_EXTI1 = 7,
	IRQ_ADC = 18,
	IRQ_TIM2 = 28,
	IRQ_USART1 = 37,
	IRQ_USART2 = 38,
	IRQ_EXTI15_10 = 40,
	IRQS = 82
};

/* main.c's interrupts, for the vector table */
void on_estop(void);
void on_trip(void);
void on_alarm(void);
void on_adc(void);
void on_edges(void);
void on_usart1(void);
void on_usart2(void);
void on_systick(void);
void on_pendsv(void);

#endif
