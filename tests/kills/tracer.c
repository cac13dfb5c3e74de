/* Runs a program and stops each system call of its threads, before it and after it, so that it can be killed there.
 *
 *     tracer REPORT MODE NUMBER PROGRAM ARGUMENTS...
 *
 * MODE is `never`; `call`: killed before its NUMBERth system call; `written`: before the first fdatasync with NUMBER
 * whole records in the journal below the working folder; `synced`: when that fdatasync returns. What the program
 * starts runs by itself. Calls are counted over all threads in the order in which the kernel stops them. REPORT gets
 * one line: the calls that were begun, the number of the call at which the program was killed or -1, its wait status. */
#define _GNU_SOURCE
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(125);
}

static long records(void) {
    glob_t found;
    long lines = 0;
    if (glob(".salvor/runs/*/journal", 0, NULL, &found) != 0) return 0;
    FILE *journal = fopen(found.gl_pathv[0], "r");
    globfree(&found);
    if (journal == NULL) return 0;
    for (int byte = getc(journal); byte != EOF; byte = getc(journal)) lines += byte == '\n';
    fclose(journal);
    return lines;
}

int main(int count, char **arguments) {
    if (count < 5) {
        fputs("usage: tracer REPORT MODE NUMBER PROGRAM ARGUMENTS...\n", stderr);
        return 125;
    }
    const char *mode = arguments[2];
    const long number = atol(arguments[3]);
    const int by_record = strcmp(mode, "written") == 0 || strcmp(mode, "synced") == 0;
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        raise(SIGSTOP);
        execv(arguments[4], arguments + 4);
        fail("exec");
    }
    int status;
    if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status)) fail("wait for the child");
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, child, 0, options) != 0) fail("seize");
    kill(child, SIGCONT);

    long calls = 0, struck = -1;
    int is_program = 0;
    pid_t syncing = 0; /* the thread whose sync makes the awaited record durable */
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR) continue;
        if (thread < 0) fail("wait");
        if (!WIFSTOPPED(status)) {
            if (thread == child) break;
            continue;
        }
        long signal = WSTOPSIG(status), event = status >> 16;
        if (signal == (SIGTRAP | 0x80)) {
            struct ptrace_syscall_info info;
            signal = 0;
            if (is_program && struck < 0 && ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) > 0) {
                int is_due = 0;
                long call = SYS_fdatasync;
                if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                    calls++;
                    call = (long)info.entry.nr;
                    is_due = strcmp(mode, "call") == 0 && calls == number;
                    if (by_record && call == SYS_fdatasync && syncing == 0 && records() >= number) {
                        is_due = strcmp(mode, "written") == 0;
                        syncing = thread;
                    }
                } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
                    is_due = by_record && thread == syncing;
                }
                if (is_due) {
                    struck = call;
                    kill(child, SIGKILL);
                    continue;
                }
            }
        } else if (event != 0) {
            if (event == PTRACE_EVENT_EXEC) is_program = 1;
            signal = 0;
        }
        /* A thread that was killed meanwhile cannot go on. */
        if (ptrace(PTRACE_SYSCALL, thread, 0, signal) != 0 && errno != ESRCH) fail("go on");
    }
    FILE *report = fopen(arguments[1], "w");
    if (report == NULL) fail("report");
    fprintf(report, "%ld %ld %d\n", calls, struck, status);
    return fclose(report) == 0 ? 0 : 125;
}
