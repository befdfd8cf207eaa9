package dev.outrider.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class MemoryAtRestTest {
  private final AtomicLong now = new AtomicLong();
  private final AtomicInteger collections = new AtomicInteger();
  private final MemoryAtRest memory = new MemoryAtRest(now::get, collections::incrementAndGet);

  private void after(int seconds) {
    now.addAndGet(Duration.ofSeconds(seconds).toNanos());
    memory.look();
  }

  @Test
  void collectsOnceWhenItComesToRest() {
    after(19);
    assertEquals(0, collections.get());
    after(1);
    assertEquals(1, collections.get());
    after(3600);
    assertEquals(1, collections.get());
  }

  @Test
  void collectsAgainAfterMoreWork() {
    after(20);
    memory.worked();
    after(10);
    memory.worked();
    after(10);
    assertEquals(1, collections.get());
    after(10);
    assertEquals(2, collections.get());
  }

  @Test
  void collectsNowAndThenWhereThereIsNoRest() {
    for (int i = 0; i < 60; i++) {
      memory.worked();
      after(10);
    }
    assertEquals(10, collections.get());
  }
}
