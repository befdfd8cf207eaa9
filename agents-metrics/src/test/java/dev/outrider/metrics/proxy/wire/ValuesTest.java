package dev.outrider.metrics.proxy.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.outrider.metrics.proxy.recorded.StatementsWithValues;
import dev.outrider.protocol.backend.BackendMessage;
import dev.outrider.protocol.sql.Fingerprinter;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Values are in statements, and in nothing that is shown. */
class ValuesTest {
  private static final int ROUNDS = Integer.getInteger("fuzz.rounds", 400);

  private final long seed = Long.getLong("fuzz.seed", System.nanoTime());
  private final StatementsWithValues statements = new StatementsWithValues(new Random(seed));

  ValuesTest() {
    System.out.println("ValuesTest: -Dfuzz.seed=" + seed);
  }

  @Test
  void noNormalisedTextHasAValue() {
    // Given
    Fingerprinter fingerprinter = new Fingerprinter();
    for (int round = 0; round < ROUNDS; round++) {
      for (int kind = 0; kind < StatementsWithValues.kinds(); kind++) {
        String sql = statements.taken(kind);

        // When
        int number = fingerprinter.read(Unpooled.copiedBuffer(sql, StandardCharsets.UTF_8));

        // Then
        for (int i = 0; i < number; i++) {
          String text = fingerprinter.text(i);
          assertEquals("", StatementsWithValues.shown(text), () -> sql + "\n" + text);
        }
      }
    }
  }

  @Test
  void neitherMetricsNorPagesHaveAValue() {
    // Given
    Told told = new Told(new Random(seed), 500);
    told.begin("alice", "shop", "app");
    Fingerprinter fingerprinter = new Fingerprinter();
    for (int kind = 0; kind < StatementsWithValues.kinds(); kind++) {
      // When
      String sql = statements.taken(kind);
      int number = fingerprinter.read(Unpooled.copiedBuffer(sql, StandardCharsets.UTF_8));
      told.client(Messages.query(sql));
      List<BackendMessage> answers =
          new ArrayList<>(Collections.nCopies(number, Messages.done("SELECT 1")));
      answers.add(Messages.READY);
      told.upstream(answers.toArray(new BackendMessage[0]));
      told.client(Messages.query(statements.refused()));
      told.upstream(Messages.error("42601"), Messages.READY);
    }

    // Then
    Totals totals = told.totals();
    for (String shown :
        List.of(
            told.series().toString(),
            QueriesPage.of(totals, true, false).text(),
            QueriesPage.of(totals, true, true).text())) {
      assertEquals("", StatementsWithValues.shown(shown), shown);
    }
  }
}
