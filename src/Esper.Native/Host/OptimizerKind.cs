namespace Esper.Native;

/// <summary>Optimizers. The numbers are those of <c>esper_host_optimizer</c>.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent with momentum and weight decay, as PyTorch.</summary>
    Sgd = 0,

    /// <summary>Adam with decoupled weight decay; bias correction by each tensor's (each seed's) own step count.</summary>
    AdamW = 1,
}
