#include <spawn.h>

#ifdef __linux__
// glibc 2.34 has these; its header shows them only to programs that define _GNU_SOURCE, which Swift does not.
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
#endif
