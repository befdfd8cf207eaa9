package dev.outrider.e2e.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class AwayTest {
  private static Away away(List<Integer> answers, int fault, int end) {
    return Away.between(
        answers.stream().map(seconds -> seconds * 1_000_000_000L).toList(),
        fault * 1_000_000_000L,
        end * 1_000_000_000L);
  }

  @Test
  void theLongestTimeWithoutAnswerAfterTheFault() {
    assertEquals(new Away(4, true), away(List.of(1, 2, 3, 7, 8, 10, 11), 4, 11));
    assertEquals(new Away(4, true), away(List.of(11, 3, 1, 7, 8, 2, 10), 4, 11));
  }

  @Test
  void whatWasBeforeDoesNotCount() {
    assertEquals(new Away(1, true), away(List.of(1, 20, 21, 22, 23), 21, 23));
  }

  @Test
  void itBeginsWithTheLastAnswerBeforeTheFault() {
    assertEquals(new Away(9, true), away(List.of(1, 10), 5, 10));
  }

  @Test
  void neverBack() {
    assertEquals(new Away(7, false), away(List.of(1, 2, 3), 3, 10));
    assertEquals(new Away(7, false), away(List.of(), 3, 10));
  }
}
