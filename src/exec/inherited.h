/* inherited.h - what attempts do not inherit: their rank's place in its MPI job */
#ifndef ORRI_EXEC_INHERITED_H
#define ORRI_EXEC_INHERITED_H

/* Of this process' environment, take out what mpirun and srun (PMIx) told the rank, and
 * what `orrery run` told its ranks: else a program that uses MPI takes itself for the
 * rank, mpirun does not start another job, and a run within the run reports as this
 * one. What a user sets (OMPI_MCA_btl and so on) stays. ORRERY_RANK is the rank, where
 * there is one. */
void orri_forget_launch(void);

#endif
