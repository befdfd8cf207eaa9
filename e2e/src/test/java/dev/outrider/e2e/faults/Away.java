package dev.outrider.e2e.faults;

import java.util.Collection;
import java.util.Locale;

/**
 * How long something was away for a client that asks all the time: the longest time between two
 * answers, of those that ended after the fault.
 *
 * @param seconds the time
 * @param returned false if there was no answer up to the end
 */
record Away(double seconds, boolean returned) {

  /**
   * Looks for it.
   *
   * @param answers when there was an answer, {@link System#nanoTime()}, in any order
   * @param fault when the fault began
   * @param end when the client was stopped
   */
  static Away between(Collection<Long> answers, long fault, long end) {
    long last = Long.MIN_VALUE;
    long longest = 0;
    for (long answer : answers.stream().sorted().toList()) {
      if (answer > fault) {
        longest = Math.max(longest, answer - (last == Long.MIN_VALUE ? fault : last));
      }
      last = answer;
    }
    long open = end - (last == Long.MIN_VALUE ? fault : Math.min(last, end));
    return open > longest ? new Away(open / 1e9, false) : new Away(longest / 1e9, true);
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, returned ? "%.2f" : "not back after %.2f", seconds);
  }
}
