using System.Collections.Immutable;
using System.Globalization;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Control;

/// <summary>What a <see cref="SystemState"/> must satisfy before a decision may rest on it: finite, in range, consistent.</summary>
public static class SystemStateRules
{
    /// <summary>The first field that is wrong, with its value and what is allowed; null for a sound state.</summary>
    public static string? Objection(SystemState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        Check check = new();
        check.That(state.Epoch >= 1 && state.Epoch <= state.TotalEpochs, "epoch", state.Epoch, $"1 to {state.TotalEpochs}");
        CheckHistory(check, state);
        CheckAllowance(check, state.Allowance);
        CheckSteps(check, state.Steps);
        for (int i = 0; i < state.Seeds.Length; i++)
        {
            check.Within = $"seeds[{i}].";
            CheckOrder(check, state.Seeds, i);
            CheckSeed(check, state.Seeds[i]);
        }

        for (int i = 0; i < state.Outcomes.Length; i++)
        {
            check.Within = $"outcomes[{i}].";
            CheckOutcome(check, state, i);
        }

        return check.First ?? Pending(state);
    }

    /// <summary>Throws if anything is wrong.</summary>
    /// <exception cref="EsperException">The message names the field.</exception>
    public static void Require(SystemState state)
    {
        if (Objection(state) is { } objection)
        {
            throw new EsperException($"The state that a decision would rest on is not sound: {objection}");
        }
    }

    private static void CheckHistory(Check check, SystemState state)
    {
        check.That(state.History.Length == state.Epoch, "history", state.History.Length, $"{state.Epoch} epochs");
        for (int i = 0; i < state.History.Length; i++)
        {
            check.Within = $"history[{i}].";
            EpochObservation epoch = state.History[i];
            check.That(epoch.Epoch == i + 1, "epoch", epoch.Epoch, $"{i + 1}");
            check.Finite("train_loss", epoch.TrainLoss);
            check.Finite("validation_loss", epoch.ValidationLoss);
            check.Share("train_accuracy", epoch.TrainAccuracy);
            check.Share("validation_accuracy", epoch.ValidationAccuracy);
        }
    }

    private static void CheckSteps(Check check, ImmutableArray<StepWindow> windows)
    {
        for (int i = 0; i < windows.Length; i++)
        {
            check.Within = $"steps[{i}].";
            StepWindow window = windows[i];
            check.That(StepWindow.Lengths.Contains(window.Steps), "steps", window.Steps, "a length of StepWindow.Lengths");
            check.Finite("loss_mean", window.LossMean);
            check.Share("accuracy_mean", window.AccuracyMean);
            check.Finite("gradient_norm_mean", window.GradientNormMean);
        }

        check.Within = "";
    }

    private static void CheckAllowance(Check check, GrowthAllowance allowance)
    {
        check.Within = "allowance.";
        check.That(allowance.HostParameters > 0, "host_parameters", allowance.HostParameters, "above 0");
        check.That(allowance.HostFlops > 0, "host_flops", allowance.HostFlops, "above 0");
        check.Finite("parameters_left", allowance.ParametersLeft);
        check.Finite("flops_left", allowance.FlopsLeft);
    }

    private static void CheckOrder(Check check, ImmutableArray<SeedObservation> seeds, int index) => check.That(
        index == 0 || seeds[index - 1].Seed < seeds[index].Seed, "seed", seeds[index].Seed, "in order of site and seed, each once");

    private static void CheckSeed(Check check, SeedObservation seed)
    {
        check.That(Enum.IsDefined(seed.Stage), "stage", seed.Stage, "a stage");
        check.That(seed.Seed is { Site: >= 0, Seed: >= 0 }, "seed", seed.Seed, "numbers from 0");
        check.That(seed.Age >= 0, "age", seed.Age, "at least 0");
        check.That(seed.Channels >= 1, "channels", seed.Channels, "at least 1");
        check.That(seed.Positions >= 1, "positions", seed.Positions, "at least 1");
        check.Share("alpha", seed.Alpha);
        check.That(
            (seed.Blueprint is not null) == seed.Stage.HasModule(), "blueprint", seed.Blueprint ?? "null", $"what {seed.Stage} asks for");
        check.That(seed.Affordable.IsEmpty || seed.Stage == SeedStage.Dormant, "affordable", seed.Affordable.Length, "0 unless dormant");
        foreach (string name in seed.Affordable)
        {
            CheckBlueprint(check, "affordable", name);
        }

        check.That(seed.GainEvaluations >= 0, "gain_evaluations", seed.GainEvaluations, "at least 0");
        check.That(
            (seed.LossGain is null) == (seed.GainEvaluations == 0), "loss_gain", seed.LossGain?.Mean ?? double.NaN,
            $"what {seed.GainEvaluations} evaluations give");
        CheckEstimate(check, "loss_gain", seed.LossGain);
        check.Finite("required_gain", seed.RequiredGain);
        CheckGrowth(check, seed.Growth);
        if (seed.Signals is { } signals)
        {
            CheckSignals(check, signals);
        }
    }

    private static void CheckSignals(Check check, SeedSignals signals)
    {
        check.That(signals.Samples >= 1, "signals.samples", signals.Samples, "at least 1");
        check.NotNegative("signals.gradient_norm", signals.GradientNorm);
        check.NotNegative("signals.gradient_ratio", signals.GradientRatio ?? 0);
        check.NotNegative("signals.activation_ratio", signals.ActivationRatio);
        check.NotNegative("signals.variance", signals.Variance);
        check.Share("signals.dead_fraction", signals.DeadFraction ?? 0);
        check.Cosine("signals.alignment", signals.Alignment);
        check.Share("signals.sign_stability", signals.SignStability);
    }

    private static void CheckOutcome(Check check, SystemState state, int index)
    {
        GraftOutcome outcome = state.Outcomes[index];
        check.That(outcome.Id == index, "id", outcome.Id, $"{index}");
        check.That(state.Seeds.Any(seed => seed.Seed == outcome.Seed), "seed", outcome.Seed, "a seed of the lattice");
        CheckBlueprint(check, "blueprint", outcome.Blueprint);
        check.That(
            outcome.EpochGerminated >= 0 && outcome.EpochGerminated <= state.Epoch, "epoch_germinated", outcome.EpochGerminated,
            $"0 to {state.Epoch}");
        check.That(outcome.Parameters > 0, "parameters", outcome.Parameters, "above 0");
        check.That(outcome.Flops > 0, "flops", outcome.Flops, "above 0");
        check.That(outcome.Context.Channels >= 1, "context.channels", outcome.Context.Channels, "at least 1");
        check.That(outcome.Context.Positions >= 1, "context.positions", outcome.Context.Positions, "at least 1");
        check.That(outcome.Context.LiveSeeds >= 0, "context.live_seeds", outcome.Context.LiveSeeds, "at least 0");
        CheckGrowth(check, outcome.Context.Growth);
        CheckEstimate(check, "reward", outcome.Reward);
        if (outcome.Ending is { } ending)
        {
            check.That(
                ending.Epoch >= outcome.EpochGerminated && ending.Epoch <= state.Epoch, "ending.epoch", ending.Epoch,
                $"{outcome.EpochGerminated} to {state.Epoch}");
            check.That(Enum.IsDefined(ending.Kind), "ending.kind", ending.Kind, "fossilized or culled");
        }
        else
        {
            check.That(outcome.Reward is null, "reward", outcome.Reward?.Mean ?? double.NaN, "null while the graft lives");
        }
    }

    /// <summary>Live grafts are the modules of live seeds, one each.</summary>
    private static string? Pending(SystemState state)
    {
        foreach (SeedObservation seed in state.Seeds)
        {
            GraftOutcome[] grafts = [.. state.Outcomes.Where(outcome => outcome.IsPending && outcome.Seed == seed.Seed)];
            bool agrees = seed.Stage.IsLive()
                ? grafts.Length == 1 && grafts[0].Blueprint == seed.Blueprint
                : grafts.Length == 0;
            if (!agrees)
            {
                return $"outcomes: {grafts.Length} live grafts at seed {seed.Seed}, which is {seed.Stage} with "
                    + $"{seed.Blueprint ?? "no module"}.";
            }
        }

        return null;
    }

    private static void CheckGrowth(Check check, GrowthSignal? growth)
    {
        if (growth is { } signal)
        {
            check.NotNegative("growth.signal", signal.Signal);
            check.Cosine("growth.agreement", signal.Agreement);
            if (signal.Chunk is { } chunk)
            {
                check.NotNegative("growth.chunk.variance", chunk.Variance);
                check.Share("growth.chunk.redundancy", chunk.Redundancy);
                check.Share("growth.chunk.dead_fraction", chunk.DeadFraction);
            }
        }
    }

    private static void CheckEstimate(Check check, string name, Estimate? estimate)
    {
        if (estimate is { } value)
        {
            check.Finite($"{name}.mean", value.Mean);
            check.NotNegative($"{name}.half_width", value.HalfWidth);
        }
    }

    private static void CheckBlueprint(Check check, string name, string blueprint)
    {
        try
        {
            check.That(Blueprint.Parse(blueprint).Name == blueprint, name, blueprint, "a blueprint's canonical name");
        }
        catch (FormatException error)
        {
            check.That(false, name, blueprint, error.Message);
        }
    }

    private sealed class Check
    {
        /// <summary>A cosine may leave [-1, 1] by rounding.</summary>
        private const double Rounding = 1e-6;

        public string Within { get; set; } = string.Empty;

        public string? First { get; private set; }

        public void That<T>(bool holds, string field, T value, string allowed) => First ??= holds
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{Within}{field} is {value}, expected {allowed}.");

        public void Finite(string field, double value) => That(double.IsFinite(value), field, value, "a finite number");

        public void NotNegative(string field, double value) =>
            That(double.IsFinite(value) && value >= 0, field, value, "a finite number from 0");

        public void Share(string field, double value) => That(value is >= 0 and <= 1, field, value, "0 to 1");

        public void Cosine(string field, double value) =>
            That(value is >= -1 - Rounding and <= 1 + Rounding, field, value, "-1 to 1");
    }
}
