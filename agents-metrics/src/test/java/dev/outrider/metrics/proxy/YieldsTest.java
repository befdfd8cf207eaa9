package dev.outrider.metrics.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class YieldsTest {
  private final Yields yields = new Yields();

  @Test
  void whatIsWorthwhileIsDoneEachTime() {
    for (int i = 0; i < 100; i++) {
      assertTrue(yields.isNext());
      yields.was(1000, true);
    }
  }

  @Test
  void whatIsInVainIsDoneEverMoreSeldom() {
    assertEquals(1, sleepsAfter(0, false));
    assertEquals(3, sleepsAfter(0, false));
    assertEquals(7, sleepsAfter(0, false));
    for (int i = 0; i < 10; i++) {
      sleepsAfter(0, false);
    }

    assertEquals(Yields.MOST_IN_VAIN, sleepsAfter(0, false));
    assertEquals(0, sleepsAfter(0, true), "once it was worthwhile again");
  }

  @Test
  void whereOthersKeepTheProcessorItIsDoneHardlyEver() {
    for (int i = 0; i < 20; i++) {
      sleepsAfter(Yields.LONG_NANOS, true);
    }

    assertEquals(Yields.MOST_LONG, sleepsAfter(Yields.LONG_NANOS, true));
  }

  /** How many sleeps go by without a yield after one that went like this. */
  private int sleepsAfter(long nanos, boolean worthwhile) {
    yields.was(nanos, worthwhile);
    int sleeps = 0;
    while (!yields.isNext()) {
      sleeps++;
      assertFalse(sleeps > 10_000, "never again");
    }
    return sleeps;
  }
}
