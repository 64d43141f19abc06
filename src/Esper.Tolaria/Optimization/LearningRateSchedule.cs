using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Optimization;

/// <summary>
/// Learning rate as a function of the step. Every schedule starts with a linear warm-up; <c>wsd</c> then stays at the peak and falls
/// linearly at the end, so that a seed born in the middle still learns at full rate (a cosine starves late seeds).
/// </summary>
public sealed class LearningRateSchedule
{
    private readonly ScheduleConfig _config;
    private readonly double _peak;
    private readonly long _totalSteps;
    private readonly long _warmupSteps;

    /// <summary>Creates the schedule of a run.</summary>
    /// <param name="config">Its kind and shape.</param>
    /// <param name="peak">Peak learning rate.</param>
    /// <param name="totalSteps">Steps of the whole run, at least 1.</param>
    /// <exception cref="EsperException">The kind is unknown.</exception>
    public LearningRateSchedule(ScheduleConfig config, double peak, long totalSteps)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfLessThan(totalSteps, 1);
        if (!Names.Contains(config.Kind))
        {
            throw new EsperException($"schedule.kind: '{config.Kind}' is unknown; known are {string.Join(", ", Names)}.");
        }

        _config = config;
        _peak = peak;
        _totalSteps = totalSteps;
        _warmupSteps = (long)Math.Round(config.WarmupFraction * totalSteps);
    }

    /// <summary>Names of all schedules.</summary>
    public static ImmutableArray<string> Names { get; } = ["wsd", "cosine", "step"];

    /// <summary>Steps of the warm-up.</summary>
    public long WarmupSteps => _warmupSteps;

    /// <summary>Learning rate of step <paramref name="step"/>, counted from 0; behind the last step, that of the last.</summary>
    public double At(long step)
    {
        step = Math.Min(step, _totalSteps - 1);
        if (step < _warmupSteps)
        {
            return _peak * (step + 1) / _warmupSteps;
        }

        double progress = (double)step / _totalSteps;
        return _peak * (_config.Kind switch
        {
            "wsd" => Decay(progress),
            "cosine" => Cosine((double)(step - _warmupSteps) / (_totalSteps - _warmupSteps)),
            _ => Math.Pow(_config.StepFactor, _config.StepFractions.Count(fraction => progress >= fraction)),
        });
    }

    private double Decay(double progress)
    {
        double start = 1 - _config.DecayFraction;
        return progress <= start ? 1 : Between((1 - progress) / _config.DecayFraction);
    }

    private double Cosine(double progress) => Between(0.5 * (1 + Math.Cos(Math.PI * progress)));

    private double Between(double share) => _config.FinalFraction + ((1 - _config.FinalFraction) * share);
}
