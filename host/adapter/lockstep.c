#include "lockstep.h"

#include "../../products/lockstep.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>

/* In real time: a product that needs longer for one decision has hung. */
#define ANSWER_NS (5 * CLOCK_S)

struct Lockstep {
	const Product *product;
	Responses *responses;
	Stream *sink;
	int fd;
	struct lockstep_page *page;
	uint8_t coils[LOCKSTEP_COILS];
	uint16_t holding[LOCKSTEP_REGISTERS];
	int64_t oldest_ns;
	uint64_t turns;
	bool hung, blamed;
};

Lockstep *lockstep_new(const Product *product, Responses *responses, Stream *sink, GError **error)
{
	/* Sealed, so that a product cannot shrink the page under the bench's feet. */
	int fd = memfd_create("anzen-lock-step", MFD_ALLOW_SEALING);
	struct lockstep_page *page = NULL;
	if (fd >= 0 && !ftruncate(fd, sizeof(struct lockstep_page)) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		page = lockstep_map(fd);
	if (!page) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "no shared memory for lock-step: %s", g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	page->magic = LOCKSTEP_MAGIC;
	page->version = LOCKSTEP_VERSION;
	page->size = sizeof(*page);
	Lockstep *l = g_new0(Lockstep, 1);
	*l = (Lockstep){
		.product = product, .responses = responses, .sink = sink, .fd = fd, .page = page};
	return l;
}

int lockstep_fd(const Lockstep *l)
{
	return l->fd;
}

void lockstep_sample(Lockstep *l, const char *role, int64_t t_ns, double value, SampleStatus status)
{
	if (status != SAMPLE_OK || !isfinite(value))
		return;
	bool first = true;
	for (size_t i = 0; i < l->product->n_inputs; i++) {
		const ProductInput *in = &l->product->inputs[i];
		if (in->reg < 0 || in->reg >= LOCKSTEP_REGISTERS)
			continue;
		if (!strcmp(in->from, role)) {
			double steps =
				round(value / (in->per_count.value ? in->per_count.value : 1));
			l->page->input_registers[in->reg] =
				(uint16_t)(int16_t)CLAMP(steps, -32768.0, 32767.0);
			l->oldest_ns = t_ns;
			for (size_t k = 0; first && k < l->product->n_inputs; k++)
				if (!strcmp(l->product->inputs[k].from, "bench.sequence"))
					l->page->input_registers[l->product->inputs[k].reg]++;
		}
		first = false; /* the sequence counts the first declared input */
	}
}

void lockstep_picture(Lockstep *l, const Frame *gray)
{
	size_t size = (size_t)gray->width * (size_t)gray->height;
	if (strcmp(gray->format, "gray8") != 0 || size > LOCKSTEP_PIXELS || size > gray->size)
		return;
	memcpy(l->page->pixels, gray->data, size);
	l->page->width = gray->width;
	l->page->height = gray->height;
	l->page->capture_ns = gray->capture_ns;
	l->page->picture++;
	l->oldest_ns = gray->capture_ns;
}

static void emit(Lockstep *l, const char *signal, int64_t t_ns, double v)
{
	l->sink->sample(l->sink, signal, t_ns, v, SAMPLE_OK);
}

static void take_coils(Lockstep *l, int64_t now_ns)
{
	for (size_t i = 0; i < l->product->n_outputs; i++) {
		const ProductOutput *out = &l->product->outputs[i];
		g_autofree char *signal = g_strdup_printf("product.%s", out->name);
		if (out->coil >= 0 && out->coil < LOCKSTEP_COILS &&
		    l->page->coils[out->coil] != l->coils[out->coil])
			emit(l, signal, now_ns, l->page->coils[out->coil] ? 1 : 0);
		if (out->holding >= 0 && out->holding < LOCKSTEP_REGISTERS &&
		    l->page->holding[out->holding] != l->holding[out->holding]) {
			emit(l, signal, now_ns, 1);
			emit(l, signal, now_ns + RESPONSE_PULSE_NS, 0);
		}
		if (out->claim_holding >= 0 && out->claim_holding + 1 < LOCKSTEP_REGISTERS &&
		    memcmp(l->page->holding + out->claim_holding, l->holding + out->claim_holding,
			   4) != 0) {
			const uint16_t *w = l->page->holding + out->claim_holding;
			g_autofree char *claim = g_strdup_printf("%s.time", signal);
			emit(l, claim, now_ns, 1e-3 * (double)((uint32_t)w[0] << 16 | w[1]));
		}
	}
	memcpy(l->coils, l->page->coils, sizeof(l->coils));
	memcpy(l->holding, l->page->holding, sizeof(l->holding));
}

static void take_messages(Lockstep *l, int64_t now_ns)
{
	uint32_t n = l->page->messages;
	if (n > LOCKSTEP_MESSAGES && !l->blamed) {
		l->blamed = true;
		responses_blame(l->sink, now_ns,
				"the product floods: %u messages in one decision period", n);
	}
	for (uint32_t i = 0; i < MIN(n, (uint32_t)LOCKSTEP_MESSAGES); i++)
		responses_take(l->responses, l->page->text[i],
			       strnlen(l->page->text[i], LOCKSTEP_TEXT), now_ns);
}

bool lockstep_exchange(Lockstep *l, int64_t now_ns)
{
	if (l->hung)
		return false;
	uint32_t before = atomic_load(&l->page->answered);
	l->page->now_ns = now_ns;
	atomic_fetch_add(&l->page->asked, 1);
	lockstep_wake(&l->page->asked);
	if (lockstep_wait(&l->page->answered, before, ANSWER_NS) < 0) {
		l->hung = true;
		responses_blame(l->sink, now_ns,
				"the product did not answer within %.0f s in lock-step",
				ANSWER_NS * 1e-9);
		return false;
	}
	take_coils(l, now_ns);
	take_messages(l, now_ns);
	l->page->width = l->page->height = 0; /* a picture is shown once */
	emit(l, PRODUCT_CONSUMED_SIGNAL, now_ns, (double)++l->turns);
	if (l->oldest_ns)
		emit(l, PRODUCT_AGE_SIGNAL, now_ns, (double)(now_ns - l->oldest_ns) * 1e-9);
	return true;
}

void lockstep_free(Lockstep *l)
{
	if (!l)
		return;
	atomic_store(&l->page->closing, 1);
	atomic_fetch_add(&l->page->asked, 1);
	lockstep_wake(&l->page->asked);
	munmap(l->page, sizeof(*l->page));
	close(l->fd);
	g_free(l);
}
