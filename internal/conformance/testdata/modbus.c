/*
 * A Modbus TCP server for the recovery suite, on libmodbus: a small device that
 * serves one client at a time and gives up one that says nothing for 3 s.
 *
 * Its argument is the port on 127.0.0.1; a second one, "empty", makes all
 * registers missing. Commands and answers are those of modbus.py.
 */
#include <errno.h>
#include <modbus.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { counter = 10, elsewhere = 500, registers = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static modbus_mapping_t *map;
static int at = counter, empty;
static int missing; /* that register and the next; 0: none */

/* put writes the counter to where it is. */
static void put(unsigned long value)
{
    map->tab_registers[at] = (uint16_t) (value >> 16);
    map->tab_registers[at + 1] = (uint16_t) value;
}

static void *obey(void *unused)
{
    char line[100];
    unsigned long value = 0;

    (void) unused;
    while (fgets(line, sizeof line, stdin) != NULL) {
        pthread_mutex_lock(&lock);
        if (strncmp(line, "set ", 4) == 0) {
            value = strtoul(line + 4, NULL, 10);
            put(value);
        } else if (strncmp(line, "gone", 4) == 0) {
            missing = counter;
        } else if (strncmp(line, "moved", 5) == 0) {
            at = elsewhere;
            missing = counter + 1;
            map->tab_registers[counter] = 4711;
        } else if (strncmp(line, "empty", 5) == 0) {
            empty = 1;
        } else if (strncmp(line, "back", 4) == 0) {
            missing = empty = 0;
            at = counter;
            put(value);
        }
        pthread_mutex_unlock(&lock);
        puts("done");
        fflush(stdout);
    }
    exit(0);
}

/* answer replies to one request of that length. */
static void answer(modbus_t *device, const uint8_t *request, int length)
{
    const uint8_t *pdu = request + modbus_get_header_length(device);
    int from = pdu[1] << 8 | pdu[2], count = pdu[3] << 8 | pdu[4];

    pthread_mutex_lock(&lock);
    if (empty || (missing && from < missing + 2 && from + count > missing))
        modbus_reply_exception(device, request, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
    else
        modbus_reply(device, request, length, map);
    pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
    modbus_t *device = modbus_new_tcp("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    pthread_t thread;
    int listener;

    map = modbus_mapping_new(0, 0, registers, 0);
    empty = argc > 2;
    if (device == NULL || map == NULL || (listener = modbus_tcp_listen(device, 1)) < 0
        || pthread_create(&thread, NULL, obey, NULL) != 0) {
        perror("server");
        return 1;
    }
    modbus_set_indication_timeout(device, 3, 0);
    puts("ready");
    fflush(stdout);
    while (modbus_tcp_accept(device, &listener) >= 0) {
        uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
        int length;
        do {
            length = modbus_receive(device, request);
            if (length > 0)
                answer(device, request, length);
        } while (length >= 0);
        modbus_close(device);
    }
    perror("accept");
    return 1;
}
