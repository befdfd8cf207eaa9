package dev.outrider.e2e.bench;

import java.util.Locale;

/** What a figure should be at most. */
sealed interface Goal {
  /** There is none. */
  record None() implements Goal {}

  /** In the figure's own unit. */
  record AtMost(double limit) implements Goal {}

  /** As a part of the peer's figure. */
  record OfPeer(double part) implements Goal {}

  static Goal none() {
    return new None();
  }

  static Goal atMost(double limit) {
    return new AtMost(limit);
  }

  static Goal ofPeer(double part) {
    return new OfPeer(part);
  }

  default String words() {
    return switch (this) {
      case None() -> "";
      case AtMost(double limit) -> "≤ " + plain(limit);
      case OfPeer(double part) -> "≤ " + plain(part) + " × the peer's";
    };
  }

  private static String plain(double number) {
    return number == Math.rint(number)
        ? String.format(Locale.ROOT, "%.0f", number)
        : Double.toString(number);
  }
}
