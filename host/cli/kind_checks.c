#include "kind_checks.h"

#include <anzen/criterion.h>
#include <anzen/metrology.h>

bool calibration_check(const YamlDoc *doc, Diagnostics *diag)
{
	size_t length, before = diagnostics_errors(diag);
	const char *bytes = yaml_bytes(doc, &length);
	g_autoptr(Certificate) certificate =
		certificate_load_text(bytes, (gssize)length, yaml_file(doc), diag);
	return certificate != NULL && diagnostics_errors(diag) == before;
}

bool criteria_check(const YamlDoc *doc, Diagnostics *diag)
{
	size_t length, before = diagnostics_errors(diag);
	const char *bytes = yaml_bytes(doc, &length);
	g_autoptr(Pack) pack =
		criterion_pack_load_text(bytes, (gssize)length, yaml_file(doc), diag);
	return pack != NULL && diagnostics_errors(diag) == before;
}

bool crosswalk_check(const YamlDoc *doc, Diagnostics *diag)
{
	size_t length, before = diagnostics_errors(diag);
	const char *bytes = yaml_bytes(doc, &length);
	g_autoptr(Crosswalk) crosswalk =
		crosswalk_load_text(bytes, (gssize)length, yaml_file(doc), diag);
	return crosswalk != NULL && diagnostics_errors(diag) == before;
}

bool hazards_check(const YamlDoc *doc, Diagnostics *diag)
{
	size_t length, before = diagnostics_errors(diag);
	const char *bytes = yaml_bytes(doc, &length);
	g_autoptr(Hazards) hazards = hazards_load_text(bytes, (gssize)length, yaml_file(doc), diag);
	return hazards != NULL && diagnostics_errors(diag) == before;
}

bool risk_table_check(const YamlDoc *doc, Diagnostics *diag)
{
	size_t length, before = diagnostics_errors(diag);
	const char *bytes = yaml_bytes(doc, &length);
	g_autoptr(RiskTable) table =
		risk_table_load_text(bytes, (gssize)length, yaml_file(doc), diag);
	return table != NULL && diagnostics_errors(diag) == before;
}
