#include <orkestra/tools/tool.h>
