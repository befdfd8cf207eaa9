package dev.outrider.protocol.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class TraceparentTest {
  private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  @Test
  void readsTheHeaderAndWhatAGucOfPgTracingHolds() {
    for (String setting :
        List.of(TRACE, "traceparent='" + TRACE + "'", "a='b',traceparent='" + TRACE + "'")) {
      // When
      Traceparent read = Traceparent.parse(setting);

      // Then
      assertNotNull(read, setting);
      assertEquals("0af7651916cd43dd8448eb211c80319c", read.traceId());
      assertEquals("b7ad6b7169203331", Traceparent.hex(read.span()));
      assertTrue(read.isSampled());
      assertEquals(TRACE, read.toString());
    }
  }

  @Test
  void whatIsNotSampledSaysSo() {
    Traceparent read = Traceparent.parse(TRACE.replace("-01", "-00"));
    assertNotNull(read);
    assertFalse(read.isSampled());
  }

  @Test
  void whatIsNotValidIsNone() {
    for (String setting :
        List.of(
            "",
            "00",
            TRACE + "-01",
            TRACE.replace('f', 'F'),
            TRACE.replace("00-", "ff-"),
            "traceparent=" + TRACE)) {
      assertNull(Traceparent.parse(setting), setting);
    }
  }
}
