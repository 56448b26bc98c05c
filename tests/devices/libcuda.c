/* A stand-in for NVIDIA's driver as a library: memory of this process, and launches that are handed to Python. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_FOUND = 500 };

struct function { int module; char name[64]; };

static int (*load)(const char *text);
static void (*launch)(int module, const char *name, unsigned threads, void **arguments);
static int contexts;
static char context, stream;

void stand_in(int (*how_to_load)(const char *), void (*how_to_launch)(int, const char *, unsigned, void **)) {
  load = how_to_load;
  launch = how_to_launch;
}

static int init(unsigned flags) { return flags ? INVALID_VALUE : SUCCESS; }
static int count(int *found) { return *found = 1, SUCCESS; }
static int get(int *device, int ordinal) { return *device = ordinal, ordinal ? INVALID_VALUE : SUCCESS; }
static int name(char *text, int length, int device) { return strncpy(text, "Library", length), SUCCESS; }
static int attribute(int *found, int which, int device) {
  switch (which) {
    case 75: *found = 9; return SUCCESS;  /* major */
    case 76: *found = 0; return SUCCESS;  /* minor */
    case 16: *found = 2; return SUCCESS;  /* multiprocessors */
    default: return INVALID_VALUE;
  }
}
static int retain(void **found, int device) { return *found = &context, SUCCESS; }
static int current(void *wanted) { return contexts++, wanted == &context ? SUCCESS : INVALID_VALUE; }
static int module(void **found, const char *text) {
  if (!contexts || !text) return INVALID_VALUE;
  return *found = (void *)(intptr_t)load(text), SUCCESS;
}
static int function(void **found, void *module, const char *name) {
  struct function *made = calloc(1, sizeof *made);
  made->module = (int)(intptr_t)module;
  strncpy(made->name, name, sizeof made->name - 1);
  return *found = made, SUCCESS;
}
static int occupancy(int *found, void *function, int size, size_t shared) { return *found = 1, SUCCESS; }
static int new_stream(void **found, unsigned flags) { return *found = &stream, flags == 1 ? SUCCESS : INVALID_VALUE; }
static int synchronize(void *wanted) { return wanted == &stream ? SUCCESS : INVALID_VALUE; }
static int allocate(uint64_t *found, size_t size) {
  if (size > 1u << 30) return OUT_OF_MEMORY;
  return *found = (uint64_t)(uintptr_t)malloc(size), SUCCESS;
}
static int release(uint64_t place) { return free((void *)(uintptr_t)place), SUCCESS; }
static int upload(uint64_t to, const void *from, size_t size, void *wanted) {
  return memcpy((void *)(uintptr_t)to, from, size), synchronize(wanted);
}
static int download(void *to, uint64_t from, size_t size, void *wanted) {
  return memcpy(to, (void *)(uintptr_t)from, size), synchronize(wanted);
}
static int start(struct function *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                 unsigned shared, void *wanted, void **arguments, void **extra) {
  if (gy != 1 || gz != 1 || by != 1 || bz != 1 || shared || extra) return INVALID_VALUE;
  launch(function->module, function->name, gx * bx, arguments);
  return synchronize(wanted);
}
static int text(int status, const char **found) { return *found = "a failure", SUCCESS; }

static const struct { const char *name; void *function; } FUNCTIONS[] = {
  {"cuInit", init}, {"cuDeviceGetCount", count}, {"cuDeviceGet", get}, {"cuDeviceGetName", name},
  {"cuDeviceGetAttribute", attribute}, {"cuDevicePrimaryCtxRetain", retain}, {"cuCtxSetCurrent", current},
  {"cuModuleLoadData", module}, {"cuModuleGetFunction", function},
  {"cuOccupancyMaxActiveBlocksPerMultiprocessor", occupancy}, {"cuStreamCreate", new_stream},
  {"cuStreamSynchronize", synchronize}, {"cuMemAlloc", allocate}, {"cuMemFree", release},
  {"cuMemcpyHtoDAsync", upload}, {"cuMemcpyDtoHAsync", download}, {"cuLaunchKernel", start},
  {"cuGetErrorString", text},
};

int cuGetProcAddress_v2(const char *wanted, void **found, int version, uint64_t flags, void *status) {
  *found = NULL;
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
    if (!strcmp(wanted, FUNCTIONS[i].name)) *found = FUNCTIONS[i].function;
  return *found ? SUCCESS : NOT_FOUND;
}
