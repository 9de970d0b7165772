#include "txnd.h"

int main(int argc, char **argv) {
    return daemon_main(argc, argv, &txnd_ops);
}
