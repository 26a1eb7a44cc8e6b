#include <libpq-fe.h>
#include <poll.h>

// Macros of character literals, which Swift does not see.
static const int PostgresDiagnosticSeverity = PG_DIAG_SEVERITY_NONLOCALIZED;
static const int PostgresDiagnosticState = PG_DIAG_SQLSTATE;
static const int PostgresDiagnosticMessage = PG_DIAG_MESSAGE_PRIMARY;
