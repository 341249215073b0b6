/* HorizontalPodAutoscalers: the cases are text, in tests/cases/manifests/hpa.cases. */
#include "manifest_dump.h"

int main(void) {
    add_cases("tests/cases/manifests/hpa.cases", dump_manifests);
    return run_all_tests("hpa_kind");
}
