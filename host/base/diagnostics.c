#include <anzen/base/error.h>
#include <anzen/base/yaml.h>

#define KEPT_MAX 200

struct Diagnostics {
	GPtrArray *kept;
	size_t total, errors;
};

static void diagnostic_free(gpointer data)
{
	Diagnostic *d = data;
	g_free(d->file);
	g_free(d->message);
	g_free(d);
}

Diagnostics *diagnostics_new(void)
{
	Diagnostics *diag = g_new0(Diagnostics, 1);
	diag->kept = g_ptr_array_new_with_free_func(diagnostic_free);
	return diag;
}

void diagnostics_free(Diagnostics *diag)
{
	if (!diag)
		return;
	g_ptr_array_unref(diag->kept);
	g_free(diag);
}

void diagnostics_add(Diagnostics *diag, bool warning, const char *file, unsigned line,
		     unsigned column, const char *format, ...)
{
	diag->total++;
	diag->errors += !warning;
	if (diag->kept->len >= KEPT_MAX)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	/* One line each, whatever the file contained. */
	g_strdelimit(message, "\r\n\t\v\f\033", ' ');
	Diagnostic *d = g_new0(Diagnostic, 1);
	*d = (Diagnostic){
		.file = g_strdup(file),
		.line = line,
		.column = column,
		.message = g_utf8_make_valid(message, -1),
		.warning = warning,
	};
	g_ptr_array_add(diag->kept, d);
}

size_t diagnostics_count(const Diagnostics *diag)
{
	return diag->kept->len;
}

size_t diagnostics_errors(const Diagnostics *diag)
{
	return diag->errors;
}

const Diagnostic *diagnostics_get(const Diagnostics *diag, size_t i)
{
	return diag->kept->pdata[i];
}

static char *diagnostic_text(const Diagnostic *d)
{
	const char *word = d->warning ? "warning" : "error";
	if (d->line == 0)
		return g_strdup_printf("%s: %s: %s", d->file, word, d->message);
	return g_strdup_printf("%s:%u:%u: %s: %s", d->file, d->line, d->column, word, d->message);
}

void diagnostics_print(const Diagnostics *diag, FILE *out)
{
	for (guint i = 0; i < diag->kept->len; i++) {
		g_autofree char *text = diagnostic_text(diag->kept->pdata[i]);
		fprintf(out, "%s\n", text);
	}
	if (diag->total > diag->kept->len)
		fprintf(out, "… and %zu more\n", diag->total - diag->kept->len);
}

void diagnostics_to_error(const Diagnostics *diag, GError **error)
{
	for (guint i = 0; i < diag->kept->len; i++) {
		const Diagnostic *d = diag->kept->pdata[i];
		if (d->warning)
			continue;
		g_autofree char *text = diagnostic_text(d);
		g_set_error_literal(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, text);
		return;
	}
	g_set_error_literal(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "refused, with too many warnings to keep the error");
}
