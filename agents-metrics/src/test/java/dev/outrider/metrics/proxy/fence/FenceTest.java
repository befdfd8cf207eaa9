package dev.outrider.metrics.proxy.fence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FenceTest {
  private static final double BOOTED = 1000;

  @TempDir Path folder = Path.of("unset");
  // Near its end, so that every sum overflows.
  private long nanos = Long.MAX_VALUE - 5;
  private double boot = BOOTED;
  private double slept;
  private @Nullable IOException noClock;
  private int shut;
  private int looks;

  private InstanceFile file() {
    return new InstanceFile(folder.resolve("instance.json"));
  }

  private Fence fence(@Nullable Path path) {
    Fence fence =
        new Fence(
            path,
            () -> {
              looks++;
              if (noClock != null) {
                throw noClock;
              }
              return boot + slept;
            },
            () -> nanos,
            InstantSource.fixed(Instant.EPOCH));
    fence.onShut(() -> ++shut);
    return fence;
  }

  private Fence fence() {
    Fence fence = fence(file().path());
    fence.look();
    return fence;
  }

  private void pass(double seconds) {
    nanos += (long) (seconds * 1e9);
    boot += seconds;
  }

  private static Fence.Pass passOf(Fence fence) {
    return Objects.requireNonNull(fence.pass(), () -> String.valueOf(fence.problem()));
  }

  private static void assertShut(String reason, Fence fence) {
    assertNull(fence.pass());
    assertEquals(reason, Objects.requireNonNull(fence.problem()).message());
    assertEquals(1, fence.problems().size());
  }

  @Test
  void isShutUntilItHasLooked() throws IOException {
    file().role("standby", BOOTED);
    assertShut("not looked yet", fence(file().path()));
  }

  @Test
  void withoutARecordToGuardEverythingPassesForEver() {
    // Given
    Fence fence = fence((Path) null);
    fence.look();
    Fence.Pass pass = passOf(fence);

    // When
    pass(3600L * 24 * 365 * 100);

    // Then
    assertTrue(pass.isGood());
    assertEquals(0, looks);
  }

  @Test
  void aLeaseIsGoodUntilASecondBeforeItsEnd() throws IOException {
    // Given
    file().primary(BOOTED, BOOTED + 20);
    Fence fence = fence();
    Fence.Pass pass = passOf(fence);
    assertEquals(20, fence.leaseSeconds().orElseThrow(), 1e-6);

    // When
    pass(18.999);
    // Then
    assertTrue(pass.isGood());
    assertEquals(1.001, fence.leaseSeconds().orElseThrow(), 1e-6);

    // When
    pass(0.002);
    // Then
    assertFalse(pass.isGood());
    assertShut("Patroni has not renewed the lease of the primary in time", fence);
    assertEquals(0.999, fence.leaseSeconds().orElseThrow(), 1e-6);
    assertEquals(1, shut);

    // When it is renewed
    file().primary(boot, boot + 20);
    fence.look();
    // Then
    assertFalse(pass.isGood());
    assertNotSame(pass, passOf(fence));
    assertNull(fence.problem());
  }

  @Test
  void aRenewedLeaseIsSeenByWhoeverAsksAfterAStall() throws IOException {
    // Given
    file().primary(BOOTED, BOOTED + 20);
    Fence fence = fence();
    Fence.Pass pass = passOf(fence);

    // When the proxy alone was stopped
    pass(60);
    file().primary(boot - 1, boot + 19);

    // Then
    assertTrue(pass.isGood());
    assertEquals(0, shut);
  }

  @Test
  void aPassIsAskedWithoutALookForASecond() throws IOException {
    // Given
    file().primary(BOOTED, BOOTED + 20);
    Fence fence = fence();
    Fence.Pass pass = passOf(fence);
    assertEquals(1, looks);

    // When
    for (int i = 0; i < 999; i++) {
      pass(0.001);
      assertTrue(pass.isGood());
    }
    // Then
    assertEquals(1, looks);

    // When
    pass(0.002);
    // Then
    assertTrue(pass.isGood());
    assertEquals(2, looks);
  }

  @Test
  void theTimeThatTheMachineSleptCounts() throws IOException {
    // Given
    file().primary(BOOTED, BOOTED + 20);
    Fence fence = fence();
    Fence.Pass pass = passOf(fence);

    // When
    slept = 30;
    fence.look();

    // Then
    assertFalse(pass.isGood());
  }

  @ParameterizedTest
  @ValueSource(strings = {"standby", "unmanaged"})
  void withoutALeaseItStaysOpenHoweverOldTheRecordIs(String role) throws IOException {
    // Given
    file().role(role, BOOTED);
    Fence fence = fence();
    Fence.Pass pass = passOf(fence);

    // When
    pass(1e6);

    // Then
    assertTrue(pass.isGood());
    assertTrue(fence.leaseSeconds().isEmpty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "standby primary",
        "standby unmanaged",
        "unmanaged primary",
        "unmanaged standby",
        "primary unmanaged"
      })
  void theseChangesEndNoSession(String change) throws IOException {
    // Given
    String[] roles = change.split(" ", 2);
    role(roles[0]);
    Fence fence = fence();
    Fence.Pass pass = passOf(fence);

    // When
    role(roles[1]);
    fence.look();

    // Then
    assertTrue(pass.isGood());
    assertSame(pass, passOf(fence));
    assertEquals(0, shut);
  }

  private void role(String role) throws IOException {
    if (role.equals("primary")) {
      file().primary(boot, boot + 20);
    } else {
      file().role(role, boot);
    }
  }

  @Test
  void onlyARecordThatSaysStandbyMakesOne() throws IOException {
    // Given
    Fence fence = fence();
    for (String role : List.of("standby", "primary", "standby", "unmanaged", "standby", "none")) {
      // When
      role(role);
      fence.look();

      // Then
      assertEquals(role.equals("standby"), fence.isStandby());
    }

    // When
    fence.guard(null);

    // Then
    assertFalse(fence.isStandby());
  }

  @Test
  void aDemotionEndsTheSessionsOfBeforeAlsoIfItWasNotSeen() throws IOException {
    // Given
    role("primary");
    Fence fence = fence();
    Fence.Pass pass = passOf(fence);

    // When
    role("standby");
    fence.look();

    // Then
    assertEquals(1, shut);
    assertFalse(pass.isGood());
    assertTrue(passOf(fence).isGood());
  }

  @Test
  void whoAsksWhenTheDemotionIsSeenFirstGetsThePassOfAfter() throws IOException {
    // Given
    role("primary");
    Fence fence = fence();
    Fence.Pass pass = passOf(fence);

    // When
    role("standby");
    pass(2);

    // Then
    assertNotSame(pass, passOf(fence));
    assertFalse(pass.isGood());
  }

  @Test
  void everythingElseShutsItAndSaysWhy() throws IOException {
    // Given
    Path path = file().path();
    Fence fence = fence();
    assertShut("Patroni has not told what the instance is: no " + path, fence);

    for (String[] record :
        new String[][] {
          {
            "{\"role\":\"none\",\"written\":1,\"reason\":\"demoting\"}",
            "Patroni does not let the instance serve: demoting"
          },
          {"{\"role\":\"none\",\"written\":1}", "Patroni does not let the instance serve"},
          {"", path + ": is not a JSON object"},
          {"{\"role\":\"standby\",\"written\":1", path + ": is not a JSON object"},
          {
            "{\"role\":\"standby\",\"written\":1002}",
            path + " was written before the machine was started"
          },
          {
            "{\"role\":\"primary\",\"written\":1,\"ttl\":20,\"leaseUntil\":1022}",
            "the lease cannot be true: it is good for longer than its ttl of 20.0 s"
          },
          {
            "{\"role\":\"primary\",\"written\":1,\"ttl\":20,\"leaseUntil\":1.7e18}",
            "the lease cannot be true: it is good for longer than its ttl of 20.0 s"
          },
          {
            "{\"role\":\"primary\",\"written\":1,\"ttl\":20,\"leaseUntil\":-1.7e99}",
            "Patroni has not renewed the lease of the primary in time"
          },
          {" ".repeat(5000), path + " cannot be read: it is longer than 4096 bytes"}
        }) {
      // Given
      file().role("standby", BOOTED);
      fence.look();
      Fence.Pass pass = passOf(fence);
      // When
      file().write(record[0]);
      fence.look();
      // Then
      assertShut(record[1], fence);
      assertFalse(pass.isGood());
    }

    // When
    file().role("standby", BOOTED);
    fence.look();
    noClock = new IOException("no /proc");
    fence.look();
    // Then
    assertShut("the time of leases cannot be told: no /proc", fence);
    noClock = null;

    // When
    Files.delete(path);
    Files.createDirectory(path);
    fence.look();
    // Then
    assertShut(path + " cannot be read: Is a directory", fence);
  }

  @Test
  void guardsAnotherRecordAtOnce() throws IOException {
    // Given
    role("primary");
    Fence fence = fence((Path) null);
    fence.look();
    Fence.Pass pass = passOf(fence);

    // When
    fence.guard(file().path());
    // Then
    assertTrue(pass.isGood());

    // When
    fence.guard(folder.resolve("another.json"));
    // Then
    assertFalse(pass.isGood());

    // When
    fence.guard(null);
    // Then
    assertTrue(passOf(fence).isGood());
  }

  @Test
  void theSystemsClockIsTheOneOfLeases() throws IOException {
    // When
    double first = BootClock.system().seconds();
    double second = BootClock.system().seconds();

    // Then
    assertTrue(first > 0 && second >= first && second - first < 60, first + " " + second);
  }
}
