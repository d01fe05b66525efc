// Exercises of the arm, told apart by an MPU6050 (or an LSM6DS3) on the wrist: a line every second.
//
// Wiring: VCC to 3.3 V (of a module with its own regulator: 5 V), GND to GND, SDA and SCL to the board's I2C pins
// (Mega 2560: 20 and 21). The library: tinygen generate gestures.h5 --format arduino
#include <Arduino.h>
#include <Wire.h>

#include <gestures.h>

// define SENSOR_LSM6DS3 for that one: Arduino Nano 33 IoT has it on the board, and many modules have it
#ifdef SENSOR_LSM6DS3
static const uint8_t ADDRESS = 0x6A;
static const uint8_t FIRST_REGISTER = 0x22;  // rotation, then acceleration, low byte first
#else
static const uint8_t ADDRESS = 0x68;
static const uint8_t FIRST_REGISTER = 0x3B;  // acceleration, temperature, rotation, high byte first
#endif

static const unsigned long PERIOD_US = 1000000UL / GESTURES_SAMPLE_RATE;
static unsigned long next_sample;

static bool write_register(uint8_t address, uint8_t value) {
  Wire.beginTransmission(ADDRESS);
  Wire.write(address);
  Wire.write(value);
  return Wire.endTransmission() == 0;
}

// +-4 g and +-500 degrees a second; what the network was trained with are 8192 a g and 65.5 a degree a second.
static bool begin_sensor() {
#ifdef SENSOR_LSM6DS3
  return write_register(0x10, 0x38)      // CTRL1_XL: 52 samples a second, 4 g
         && write_register(0x11, 0x34);  // CTRL2_G: 52 samples a second, 500 degrees a second
#else
  return write_register(0x6B, 0x01)      // PWR_MGMT_1: awake, clock of the gyroscope
         && write_register(0x1A, 0x04)   // CONFIG: low pass of 20 Hz
         && write_register(0x1B, 0x08)   // GYRO_CONFIG: 500 degrees a second
         && write_register(0x1C, 0x08);  // ACCEL_CONFIG: 4 g
#endif
}

#ifdef SENSOR_LSM6DS3
static int16_t scaled(int16_t value, int32_t numerator, int32_t denominator) {
  const int32_t result = value * numerator / denominator;
  return result > 32767 ? 32767 : result < -32768 ? -32768 : (int16_t)result;
}
#endif

// Acceleration x, y, z, then rotation x, y, z.
static bool read_sensor(int16_t sample[GESTURES_CHANNELS]) {
  Wire.beginTransmission(ADDRESS);
  Wire.write(FIRST_REGISTER);
  if (Wire.endTransmission(false) != 0) return false;
#ifdef SENSOR_LSM6DS3
  if (Wire.requestFrom(ADDRESS, (uint8_t)12) != 12) return false;
  for (uint8_t i = 0; i < 6; ++i) {
    const uint8_t low = (uint8_t)Wire.read();
    const int16_t value = (int16_t)((uint16_t)Wire.read() << 8 | low);
    // 0.122 mg and 17.5 millidegrees a second are a step of it
    if (i < 3) sample[i + 3] = scaled(value, 1146, 1000);
    else sample[i - 3] = scaled(value, 9994, 10000);
  }
#else
  if (Wire.requestFrom(ADDRESS, (uint8_t)14) != 14) return false;
  for (uint8_t i = 0; i < 7; ++i) {
    const uint8_t high = (uint8_t)Wire.read();
    const int16_t value = (int16_t)((uint16_t)high << 8 | (uint8_t)Wire.read());
    if (i < 3) sample[i] = value;
    if (i > 3) sample[i - 1] = value;  // 3 is the temperature
  }
#endif
  return true;
}

static void print_result() {
  const int8_t *scores = gestures_output(0);
  int top = 0;
  for (int i = 1; i < GESTURES_OUTPUT_0_SIZE; ++i) {
    if (scores[i] > scores[top]) top = i;
  }
  Serial.print(gestures_labels[top]);
  Serial.print(' ');
  Serial.print((scores[top] - GESTURES_OUTPUT_0_ZERO_POINT) * 100 / 256);
  Serial.println(" %");
}

void setup() {
  Serial.begin(115200);
  Wire.begin();
  Wire.setClock(400000);
  while (!begin_sensor()) {
    Serial.println("no sensor answers");
    delay(1000);
  }
  next_sample = micros();
}

void loop() {
  if ((long)(micros() - next_sample) < 0) return;
  next_sample += PERIOD_US;
  int16_t sample[GESTURES_CHANNELS];
  if (!read_sensor(sample)) {
    Serial.println("the sensor is gone");
    gestures_reset();
    delay(1000);
    next_sample = micros();
    return;
  }
  if (gestures_push(sample, 1) != 0) print_result();
}
