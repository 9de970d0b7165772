#include "session/worker.h"

int main(int argc, char **argv) {
    return daemon_main(argc, argv, &queryd_ops);
}
