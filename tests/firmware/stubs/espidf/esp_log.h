#ifndef STUB_ESP_LOG_H
#define STUB_ESP_LOG_H
typedef enum { ESP_LOG_NONE } esp_log_level_t;
void esp_log_level_set(const char *tag, esp_log_level_t level);
#endif
