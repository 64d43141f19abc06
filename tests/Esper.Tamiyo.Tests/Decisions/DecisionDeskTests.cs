using System.Collections.Immutable;
using System.Diagnostics;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Tamiyo.Decisions;

namespace Esper.Tamiyo.Tests.Decisions;

public sealed class DecisionDeskTests : IDisposable
{
    private const int Short = 300;
    private static readonly SystemState State = States.After([1.0], States.Dormant(0, 0));
    private readonly List<DecisionFailure> _failures = [];
    private readonly List<DecisionDesk> _desks = [];

    public void Dispose() => _desks.ForEach(desk => desk.Dispose());

    [Theory]
    [InlineData("spin")]
    [InlineData("block")]
    [InlineData("swallow")]
    [InlineData("native")]
    public void A_policy_that_does_not_return_is_killed_and_nothing_is_decided(string script)
    {
        DecisionDesk desk = Desk(script);
        Assert.Null(desk.Decide(State, 7));
        DecisionFailure failure = Assert.Single(_failures);
        Assert.Equal(("scripted", 1, 7L, 1, 3, 300.0), (
            failure.Policy, failure.Epoch, failure.Step, failure.Consecutive, failure.MostConsecutive, failure.LimitMilliseconds));
        Assert.Contains("did not answer within 300 ms; its process was killed; nothing was decided", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(0, Children());
    }

    [Theory]
    [InlineData("crash", "code 137")]
    [InlineData("exit", "code 7")]
    public void A_policy_that_dies_takes_no_more_than_its_decision_along(string script, string expected)
    {
        DecisionDesk desk = Desk(script, limit: 60_000);
        Assert.Null(desk.Decide(State, 7));
        Assert.Contains(expected, Assert.Single(_failures).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Commands_come_through_whole()
    {
        DecisionDesk desk = Desk("behave", limit: 60_000);
        CullCommand command = Assert.IsType<CullCommand>(Assert.Single(desk.Decide(State, 7)!.Value));
        Assert.Equal(("scripted", new SeedId(0, 0), "because", 0.1 + 0.2), (command.Issuer, command.Seed, command.Reason, command.Confidence));
        Assert.NotEqual($"pid-{Environment.ProcessId}", command.Id);
        Assert.Empty(_failures);
    }

    [Fact]
    public void A_process_serves_many_decisions_and_a_fresh_one_follows_a_killed_one()
    {
        DecisionDesk desk = Desk("spin:3", limit: 60_000);
        SystemState later = State with { Epoch = 3 };
        string first = desk.Decide(later, 1)!.Value[0].Id;
        Assert.Equal(first, desk.Decide(later, 2)!.Value[0].Id);
        DecisionDesk killed = Desk("spin:3");
        Assert.Null(killed.Decide(State, 1));
        Assert.NotNull(killed.NeedsProbe(later, 2));
        Assert.Equal(1, killed.Failures);
    }

    [Fact]
    public void Consecutive_failures_end_the_run_with_advice()
    {
        DecisionDesk desk = Desk("block");
        Assert.Null(desk.Decide(State, 1));
        Assert.Null(desk.Decide(State, 2));
        EsperException error = Assert.Throws<EsperException>(() => desk.Decide(State, 3));
        Assert.Contains("3 times in a row", error.Message, StringComparison.Ordinal);
        Assert.Contains("policy.decision_limit_ms", error.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], _failures.Select(failure => failure.Consecutive));
    }

    [Fact]
    public void A_decision_made_ends_the_row()
    {
        DecisionDesk desk = Desk("behave", limit: 60_000);
        desk.Restore(2);
        Assert.NotNull(desk.Decide(State, 1));
        Assert.Equal(0, desk.Failures);
    }

    [Fact]
    public void A_row_of_failures_survives_a_checkpoint()
    {
        DecisionDesk desk = Desk("spin");
        desk.Restore(2);
        Assert.Throws<EsperException>(() => desk.Decide(State, 1));
    }

    [Fact]
    public void The_question_about_a_probe_is_limited_too()
    {
        DecisionDesk desk = Desk("probe-spin");
        Assert.Null(desk.NeedsProbe(State, 1));
        Assert.Contains("probe", Assert.Single(_failures).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fault_of_the_policy_is_told_as_such_and_is_no_overrun()
    {
        EsperException error = Assert.Throws<EsperException>(() => Desk("throw", limit: 60_000).Decide(State, 1));
        Assert.Contains("InvalidOperationException: mine", error.Message, StringComparison.Ordinal);
        Assert.Empty(_failures);
    }

    [Fact]
    public void A_policy_decides_the_same_in_either_process()
    {
        SystemState state = States.After(
            [1.0, 0.99, 0.98],
            States.Dormant(0, 0, new GrowthSignal(1.0 / 3, 0.9)),
            States.Dormant(0, 1, new GrowthSignal(0.1, 0.7)),
            States.Holding(1, 0, 0.01, 0.001),
            States.Dormant(1, 1, new GrowthSignal(0.2, double.NaN)));
        foreach (string kind in GrowthPolicies.Names)
        {
            PolicyOptions options = new() { Kind = kind, PlateauImprovement = 0.1, RandomProbability = 0.9 };
            using DecisionDesk here = new(GrowthPolicies.Create(options), options, null, TimeProvider.System, _failures.Add);
            PolicyOptions limited = options with { DecisionLimitMs = 60_000 };
            using DecisionDesk there = new(
                GrowthPolicies.Create(limited), limited, Launch(), TimeProvider.System, _failures.Add);
            Assert.Equal(here.NeedsProbe(state, 1), there.NeedsProbe(state, 1));
            ImmutableArray<LifecycleCommand> expected = here.Decide(state, 1)!.Value;
            Assert.Equal(expected.AsEnumerable(), there.Decide(state, 1)!.Value);
            Assert.Equal(kind == "none", expected.IsEmpty);
        }
    }

    [Fact]
    public void A_program_that_does_not_serve_is_named_with_the_fix()
    {
        PolicyOptions options = new() { DecisionLimitMs = 100 };
        EsperException Start(PolicyLaunch? launch)
        {
            using DecisionDesk desk = new(GrowthPolicies.Create(options), options, launch, TimeProvider.System, _failures.Add);
            return Assert.Throws<EsperException>(() => desk.Decide(State, 1));
        }

        Assert.Contains("/nowhere/esper", Start(new PolicyLaunch("/nowhere/esper", [])).Message, StringComparison.Ordinal);
        Assert.Contains("ended with code 0", Start(new PolicyLaunch("/bin/true", [])).Message, StringComparison.Ordinal);
        Assert.Contains("TrainRequest.PolicyHost", Assert.Throws<EsperException>(() => Start(null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_process_ends_with_its_desk()
    {
        DecisionDesk desk = Desk("behave", limit: 60_000);
        Assert.NotNull(desk.Decide(State, 1));
        Assert.Equal(1, Children());
        desk.Dispose();
        Assert.Equal(0, Children());
    }

    [Fact]
    public void A_policy_that_spins_does_not_outlive_the_trainer_it_serves()
    {
        // The trainer dies without a word: its end of the pipe closes, and that is all the process hears.
        ProcessStartInfo start = new(Launch("spin").FileName, Launch("spin").Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.WriteLine("{}");
        Assert.Contains("Ready", process.StandardOutput.ReadLine(), StringComparison.Ordinal);
        string state = System.Text.Json.JsonSerializer.Serialize(State, EsperJson.Compact);
        process.StandardInput.WriteLine($"{{\"question\":\"Decide\",\"state\":{state}}}");
        process.StandardInput.Flush();
        Assert.Contains("Asked", process.StandardOutput.ReadLine(), StringComparison.Ordinal);
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), "it spins on");
    }

    private static PolicyLaunch Launch(params ImmutableArray<string> script) =>
        PolicyLaunch.OfProgram(typeof(DecisionDeskTests).Assembly.Location, ["policy-host", .. script]);

    /// <summary>Processes that this one started and that are alive.</summary>
    private static int Children() => Directory.EnumerateDirectories("/proc").Count(directory =>
    {
        try
        {
            string[] fields = File.ReadAllText(Path.Combine(directory, "stat")).Split(") ")[^1].Split(' ');
            return fields[0] != "Z" && fields[1] == $"{Environment.ProcessId}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });

    private DecisionDesk Desk(string script, int limit = Short)
    {
        PolicyOptions options = new() { DecisionLimitMs = limit, DecisionFailuresMaximum = 3 };
        DecisionDesk desk = new(new ScriptedPolicy(script), options, Launch(script), TimeProvider.System, _failures.Add);
        _desks.Add(desk);
        return desk;
    }
}
