using Esper.Contracts.Runs;

namespace Esper.Tolaria.Training;

/// <summary>A sign that a run is broken.</summary>
/// <param name="Cause">Kind of the fault.</param>
/// <param name="FirstStep">Steps done when the run was last known to be sound: of a collapse, at the validation before.</param>
/// <param name="Step">Steps done when it was certain.</param>
/// <param name="Reason">What was seen, in one sentence.</param>
/// <param name="Acquits">Whether the host fails without its live seeds as well, so that they are not held responsible.</param>
internal sealed record GovernorFault(RollbackCause Cause, long FirstStep, long Step, string Reason, bool Acquits = false);
