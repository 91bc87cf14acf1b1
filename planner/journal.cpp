#include <orkestra/planner/journal.h>
