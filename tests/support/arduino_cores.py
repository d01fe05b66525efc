"""What the Arduino cores of the boards' families define when they compile: stand-ins take their branches by it."""

from __future__ import annotations

from tinygen.boards import Board

_ARCHITECTURES = {
    "avr": ("ARDUINO_ARCH_AVR",),
    "esp32": ("ARDUINO_ARCH_ESP32",),
    "nrf52": ("ARDUINO_ARCH_MBED", "ARDUINO_ARCH_NRF52840"),
    "rp2040": ("ARDUINO_ARCH_MBED", "ARDUINO_ARCH_RP2040"),
    "stm32": ("ARDUINO_ARCH_STM32",),
}


def core_defines(board: Board) -> tuple[str, ...]:
    """The compiler's options of a board under Arduino; none of another one."""
    if board.framework != "arduino":
        return ()
    return (*(f"-D{name}" for name in _ARCHITECTURES[board.family]), f"-DF_CPU={board.clock_hz}L")
